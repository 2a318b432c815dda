#include "kernels/feedback.h"

#include "tests/support.h"
#include <random>
#include <vector>

namespace latticelens {
namespace {

struct Problem {
  std::int64_t rows, columns = 48;
  std::vector<float> feedback, weights, targets, steps, values, errors, diagonal, costs;

  explicit Problem(std::int64_t row_count)
      : rows(row_count), feedback(columns * columns), diagonal(columns), costs(row_count) {
    std::mt19937 random(rows);
    std::normal_distribution<float> normal;
    for (float& value : feedback)
      value = 0.2f * normal(random);
    for (float& value : diagonal)
      value = 1 + std::fabs(normal(random));
    for (auto* array : {&weights, &targets, &steps, &values, &errors})
      array->resize(columns * rows);
    for (float& value : weights)
      value = normal(random);
    for (std::size_t i = 0; i < weights.size(); ++i)
      targets[i] = weights[i] + 0.1f * normal(random);
    for (float& value : steps)
      value = std::ldexp(1.0f, static_cast<int>(random() % 4) - 3);
  }
  FeedbackPanel panel() {
    return {.rows = rows,
            .feedback = feedback.data(),
            .feedback_stride = columns,
            .weights = weights.data(),
            .targets = targets.data(),
            .steps = steps.data(),
            .values = values.data(),
            .errors = errors.data(),
            .diagonal = diagonal.data(),
            .keep_outside = rows % 2 == 0,
            .costs = costs.data()};
  }
};

TEST(Feedback, vectors_equal_the_reference_for_full_and_odd_row_counts) {
  for (const std::int64_t rows : {1, 7, 16, 33, 96}) {
    Problem fast(rows), slow(rows);
    std::vector<float> fast_residual(16 * rows), slow_residual(16 * rows);
    for (std::int64_t first = 0; first < 48; first += 16) {
      residual_of(fast.panel(), first, first + 16, fast_residual.data());
      reference::residual_of(slow.panel(), first, first + 16, slow_residual.data());
      for (std::size_t i = 0; i < fast_residual.size(); ++i)
        ASSERT_NEAR(fast_residual[i], slow_residual[i], 1e-4f);
      // fp32 and fp64 sums differ in the last bits: a target that close to a tie could fall either
      // way; none does here.
      EXPECT_EQ(round_with_feedback(fast.panel(), first, first + 16, {}),
                reference::round_with_feedback(slow.panel(), first, first + 16, {}));
      for (std::size_t i = 0; i < fast.values.size(); ++i)
        ASSERT_NEAR(fast.values[i], slow.values[i], rows % 2 == 0 ? 1e-4f : 0) << rows;
      for (std::int64_t row = 0; row < rows; ++row)
        EXPECT_NEAR(fast.costs[row], slow.costs[row], 1e-4f * slow.costs[row]);
    }
  }
}

} // namespace
} // namespace latticelens
