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
    std::normal_distribution<float> normal;
    std::vector<float> feedback(columns * columns), weights(columns * rows),
        scales(columns * rows);
    for (float& value : feedback)
      value = 0.3f * normal(random);
    for (float& value : weights)
      value = normal(random);
    for (float& value : scales)
      value = std::ldexp(1.0f, static_cast<int>(random() % 4) - 3);
    auto run = [&](auto&& function) {
      std::vector<float> targets = weights, values(weights.size()), errors(weights.size());
      const FeedbackBlock block{rows,          columns,        rows,          feedback.data(),
                                columns,       weights.data(), scales.data(), targets.data(),
                                values.data(), errors.data()};
      const std::int64_t clipped = function(block, ElementGrid{});
      return std::tuple(values, errors, clipped);
    };
    // Sums differ in the last bits, so a target within rounding error of a tie may fall to either
    // side: none does here.
    EXPECT_EQ(run(&round_with_feedback), run(&reference::round_with_feedback)) << rows;
  }
}

} // namespace
} // namespace latticelens
