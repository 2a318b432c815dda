#include "lattice/step_choice.h"

#include "kernels/product.h"
#include <algorithm>
#include <limits>
#include <vector>

namespace latticelens {

void choose_block_steps(const FeedbackPanel& given, const Part& part, int candidates,
                        const ElementGrid& grid, const ChooseSteps& choose, float* steps) {
  const auto size = static_cast<std::size_t>(part.columns * strip_width);
  std::vector<float> residual(size);
  residual_of(given, 0, part.columns, residual.data());
  if (candidates == 1) {
    choose(part, residual.data(), 0, steps);
    return;
  }
  std::vector<float> tried(size), values(size), errors(size), costs(strip_width),
      least(strip_width, std::numeric_limits<float>::infinity());
  FeedbackPanel panel = given;
  panel.steps = tried.data();
  panel.values = values.data();
  panel.errors = errors.data();
  panel.costs = costs.data();
  for (int candidate = 0; candidate < candidates; ++candidate) {
    std::fill(costs.begin(), costs.end(), 0.0f);
    choose(part, residual.data(), candidate, tried.data());
    round_with_feedback(panel, 0, part.columns, grid);
    for (std::int64_t row = 0; row < strip_width; ++row)
      if (costs[row] < least[row]) {
        least[row] = costs[row];
        for (std::size_t at = row; at < size; at += strip_width)
          steps[at] = tried[at];
      }
  }
}

} // namespace latticelens
