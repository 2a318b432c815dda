// Babai's nearest-plane algorithm in feedback form, for all rows of a weight matrix (design.md §7).
#pragma once
#include "kernels/element_grid.h"
#include "tensor/tensor.h"
#include <functional>

namespace latticelens {

/// A part of the transposed weight matrix, `columns` coordinates of `rows` rows of the weight, in
/// the order of rounding.
struct Part {
  std::int64_t first_row = 0, rows = 0, first_column = 0, columns = 0;
};

/// Chooses the steps of one part from its current residual: the real values that would make up,
/// together, for all rounding done so far. Both [columns, rows] without gaps; rows past the last
/// one are padding. candidate 0 is the best guess, others are alternatives to try. Called from
/// several threads for different rows.
using ChooseSteps =
    std::function<void(const Part&, const float* residual, int candidate, float* steps)>;

struct BabaiOptions {
  std::int64_t block = 32; // columns whose steps are chosen together
  /// Choose all steps of a panel of 128 columns at its start: the stale scales of published code.
  bool steps_per_panel = false;
  /// Round each block with this many candidate steps and keep, per row, those of the least error.
  int candidates = 1;
  bool keep_outside = false; // targets outside the grid are kept as they are instead of clipped
};

struct BabaiResult {
  Tensor values;            // [columns, rows] fp32, representable
  Tensor steps;             // [columns, rows] fp32
  Tensor errors;            // [rows] fp64: |L (w - v)|²
  std::int64_t clipped = 0; // targets outside the grid
};

/// v_i = nearest(w_i + (1/L_ii) sum_{j<i} L_ij (w_j - v_j)) for every row w. weights [n, rows] fp32
/// (transposed), l [n, n] fp64. Column n-1 is rounded last. Targets are fp32: a target that lies on
/// a tie within its rounding error may fall to the other side than in `reference::babai`, and the
/// rest of its row then follows another path.
BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose);

namespace reference {
/// One column after the other in fp64, no panels, one row at a time.
BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose);
} // namespace reference

} // namespace latticelens
