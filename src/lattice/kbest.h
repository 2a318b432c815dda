// K-best search in the box: Babai's rule that keeps the K cheapest beginnings of each row instead
// of one (the M-algorithm; research on box-constrained integer least squares).
#pragma once
#include "lattice/babai.h"

namespace latticelens {

inline constexpr std::int64_t most_paths = 1024;

/// For every row the cheapest of the `paths` partial solutions that survive all columns. Shapes,
/// scales and ties as in `babai`, whose values it gives with one path. Steps are chosen for the
/// cheapest path. Memory per thread: about (2 paths * window + 6 n) * 96 floats, where the window
/// is the columns in which the paths still differ: tens to hundreds, at most n. Errors: paths
/// outside 1 .. most_paths, a block over 32 columns, stale steps.
BabaiResult kbest(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  std::int64_t paths, const BabaiOptions& options, const ChooseSteps& choose);

namespace reference {
/// Whole copies of every path, every level a child, fp64.
BabaiResult kbest(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  std::int64_t paths, const BabaiOptions& options, const ChooseSteps& choose);
} // namespace reference

} // namespace latticelens
