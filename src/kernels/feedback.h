// Babai's rule inside one panel of coordinates, for many rows of a weight matrix at once (design.md
// §7).
#pragma once
#include "kernels/element_grid.h"
#include <cstdint>

namespace latticelens {

/// One panel of coordinates of a transposed weight matrix; every array is [columns of the panel,
/// rows] without gaps. targets hold each weight plus what the errors before the panel ask for.
struct FeedbackPanel {
  std::int64_t rows = 0;
  const float* feedback =
      nullptr; // [columns, columns], row `k` is feedback_stride apart: L_ki / L_kk, i < k
  std::int64_t feedback_stride = 0;
  const float* weights = nullptr;
  const float* targets = nullptr;
  const float* steps = nullptr; // of each coordinate and row
  float* values = nullptr;
  float* errors = nullptr;         // weights - values
  const float* diagonal = nullptr; // [columns] L_kk
  bool keep_outside = false;       // a target outside the grid is kept as it is instead of clipped
  float* costs = nullptr; // [rows]: sum over the columns rounded so far of (L_kk (target - value))²
};

/// residual [last - first, rows]: the real values that would make up, together, for the errors
/// before column `first`: weights + d with d_k = (target_k + sum_{i<first} F_ki e_i - w_k) -
/// sum_{first<=i<k} F_ki d_i.
void residual_of(const FeedbackPanel& panel, std::int64_t first, std::int64_t last,
                 float* residual);

/// For i = first .. last-1: values[i] = nearest level to targets[i] + sum_{j<i} F_ij e_j; errors[i]
/// and costs follow. Returns how many of these lay outside the grid.
std::int64_t round_with_feedback(const FeedbackPanel& panel, std::int64_t first, std::int64_t last,
                                 const ElementGrid& grid);

namespace reference {
void residual_of(const FeedbackPanel& panel, std::int64_t first, std::int64_t last,
                 float* residual);
std::int64_t round_with_feedback(const FeedbackPanel& panel, std::int64_t first, std::int64_t last,
                                 const ElementGrid& grid);
} // namespace reference

} // namespace latticelens
