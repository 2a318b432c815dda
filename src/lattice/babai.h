// Babai's nearest-plane algorithm in feedback form, for all rows of a weight matrix (design.md §7).
#pragma once
#include "kernels/element_grid.h"
#include "tensor/tensor.h"
#include <functional>

namespace latticelens {

/// Steps [columns, rows] for columns first .. first+columns-1 of the transposed weight, chosen from
/// their current targets.
using ChooseSteps =
    std::function<Tensor(std::int64_t first, const Tensor& residual /*[columns, rows]*/)>;

struct BabaiOptions {
  std::int64_t block = 32;  // columns whose steps are chosen together
  std::int64_t panel = 128; // columns whose outer corrections are one matrix product
  bool steps_per_panel =
      false; // choose all steps of a panel at its start: the stale scales of published GPTQ code
};

struct BabaiResult {
  Tensor values;            // [columns, rows] fp64, representable
  std::int64_t clipped = 0; // targets outside the grid
};

/// v_i = nearest(w_i + (1/L_ii) sum_{j<i} L_ij (w_j - v_j)) for every row w. weights [n, rows] fp64
/// (transposed), l [n, n] fp64. Column n-1 is rounded last. Identical codes to `reference::babai`
/// up to ties within rounding error.
BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose);

namespace reference {
/// One column after the other, no panels.
BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose);
} // namespace reference

} // namespace latticelens
