// Babai's nearest-plane algorithm in feedback form, for all rows of a weight matrix (design.md §7).
#pragma once
#include "kernels/element_grid.h"
#include "tensor/tensor.h"
#include <functional>

namespace latticelens {

/// A part of the transposed weight matrix, `columns` coordinates of `rows` rows of the weight.
struct Part {
  std::int64_t first_row = 0, rows = 0, first_column = 0, columns = 0;
};

/// Chooses the steps of one part from its current residual: the real values that would make up,
/// together, for all rounding done so far. Both [columns, rows] without gaps. Called from several
/// threads for different rows.
using ChooseSteps = std::function<void(const Part&, const float* residual, float* steps)>;

struct BabaiOptions {
  std::int64_t block = 32;  // columns whose steps are chosen together
  std::int64_t panel = 128; // columns whose outer corrections are one matrix product
  bool steps_per_panel =
      false; // choose all steps of a panel at its start: the stale scales of published GPTQ code
};

struct BabaiResult {
  Tensor values;            // [columns, rows] fp32, representable
  std::int64_t clipped = 0; // targets outside the grid
};

/// v_i = nearest(w_i + (1/L_ii) sum_{j<i} L_ij (w_j - v_j)) for every row w. weights [n, rows] fp32
/// (transposed), l [n, n] fp64. Column n-1 is rounded last. Targets are fp32: a target that lies on
/// a tie within its rounding error may fall to the other side than in `reference::babai`, and the
/// rest of its row then follows another path.
BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose);

namespace reference {
/// One column after the other in fp64, no panels.
BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose);
} // namespace reference

} // namespace latticelens
