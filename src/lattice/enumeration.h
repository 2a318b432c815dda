// Exact closest vectors in the box, by Schnorr and Euchner's enumeration: for small layers and
// tests (nodes grow like e^(0.18 n) and more).
#pragma once
#include "lattice/babai.h"

namespace latticelens {

struct ExactResult {
  Tensor values;               // [n, rows] fp32
  Tensor errors;               // [rows] fp64: |L (w - v)|²
  std::int64_t nodes = 0;      // visited, over all rows
  std::int64_t unfinished = 0; // rows whose search met the limit: the best seen, not proven best
};

/// The best levels times steps of every row. weights, steps [n, rows] fp32, l [n, n] fp64.
/// node_limit: of each row.
ExactResult exact_search(const Tensor& weights, const Tensor& l, const Tensor& steps,
                         const ElementGrid& grid, std::int64_t node_limit);

} // namespace latticelens
