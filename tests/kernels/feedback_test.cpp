#include "kernels/feedback.h"

#include "tests/support.h"
#include <random>
#include <vector>

namespace latticelens {
namespace {

TEST(Feedback, vectors_equal_the_reference_for_odd_row_counts) {
  const std::int64_t columns = 32;
  for (const std::int64_t rows : {1, 7, 8, 9, 33}) {
    std::mt19937 random(rows);
    std::normal_distribution<double> normal;
    std::vector<double> feedback(columns * columns), weights(columns * rows),
        scales(columns * rows);
    for (double& value : feedback)
      value = 0.3 * normal(random);
    for (double& value : weights)
      value = normal(random);
    for (double& value : scales)
      value = std::ldexp(1.0, static_cast<int>(random() % 4) - 3);
    auto run = [&](auto&& function) {
      std::vector<double> targets = weights, values(weights.size()), errors(weights.size());
      const FeedbackBlock block{rows,          columns,        rows,          feedback.data(),
                                columns,       weights.data(), scales.data(), targets.data(),
                                values.data(), errors.data()};
      const std::int64_t clipped = function(block, ElementGrid{});
      return std::tuple(values, errors, clipped);
    };
    EXPECT_EQ(run(&round_with_feedback), run(&reference::round_with_feedback));
  }
}

} // namespace
} // namespace latticelens
