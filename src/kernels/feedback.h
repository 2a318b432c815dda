// Babai's rule inside one block of coordinates, for all rows of a weight matrix at once (design.md
// §7).
#pragma once
#include "kernels/element_grid.h"
#include <cstdint>

namespace latticelens {

/// One block of `columns` coordinates of a transposed weight matrix; every array is [columns,
/// rows], rows `stride` apart from column to column. For i = 0, 1, ...: values[i] = nearest level
/// to targets[i]; errors[i] = weights[i] - values[i]; targets[k] += feedback[k, i] * errors[i] for
/// k > i.
struct FeedbackBlock {
  std::int64_t rows = 0, columns = 0, stride = 0;
  const float* feedback =
      nullptr; // [columns, columns], row `k` is feedback_stride apart: L_ki / L_kk
  std::int64_t feedback_stride = 0;
  const float* weights = nullptr;
  const float* scales = nullptr; // the step of each row and coordinate
  float* targets = nullptr;
  float* values = nullptr;
  float* errors = nullptr;
};

/// Returns how many targets lay outside the grid.
std::int64_t round_with_feedback(const FeedbackBlock& block, const ElementGrid& grid);

namespace reference {
std::int64_t round_with_feedback(const FeedbackBlock& block, const ElementGrid& grid);
} // namespace reference

} // namespace latticelens
