#include "kernels/feedback.h"

#include <vector>

namespace latticelens::reference {
namespace {

double corrected(const FeedbackPanel& panel, std::int64_t column, std::int64_t before,
                 std::int64_t row) {
  double target = panel.targets[column * panel.rows + row];
  for (std::int64_t i = 0; i < before; ++i)
    target += static_cast<double>(panel.feedback[column * panel.feedback_stride + i]) *
              panel.errors[i * panel.rows + row];
  return target;
}

} // namespace

void residual_of(const FeedbackPanel& panel, std::int64_t first, std::int64_t last,
                 float* residual) {
  std::vector<double> difference(last - first);
  for (std::int64_t row = 0; row < panel.rows; ++row)
    for (std::int64_t k = first; k < last; ++k) {
      double d = corrected(panel, k, first, row) - panel.weights[k * panel.rows + row];
      for (std::int64_t i = first; i < k; ++i)
        d -= panel.feedback[k * panel.feedback_stride + i] * difference[i - first];
      difference[k - first] = d;
      residual[(k - first) * panel.rows + row] =
          static_cast<float>(panel.weights[k * panel.rows + row] + d);
    }
}

std::int64_t round_with_feedback(const FeedbackPanel& panel, std::int64_t first, std::int64_t last,
                                 const ElementGrid& grid) {
  std::int64_t clipped = 0;
  for (std::int64_t row = 0; row < panel.rows; ++row)
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t at = i * panel.rows + row;
      const double target = corrected(panel, i, i, row), scaled = target / panel.steps[at];
      clipped += std::fabs(scaled) > outer_edge(grid);
      const bool kept = panel.keep_outside && std::fabs(scaled) > outer_edge(grid);
      panel.values[at] = static_cast<float>(kept ? target : snap(scaled, grid) * panel.steps[at]);
      panel.errors[at] = panel.weights[at] - panel.values[at];
      const double distance = panel.diagonal[i] * (target - panel.values[at]);
      panel.costs[row] += static_cast<float>(distance * distance);
    }
  return clipped;
}

} // namespace latticelens::reference
