#include "kernels/descent.h"

#include "tests/support.h"
#include <random>
#include <vector>

namespace latticelens {
namespace {

TEST(Descent, vectors_equal_the_reference_for_full_and_odd_row_counts) {
  for (const std::int64_t rows : {1, 7, 16, 96}) {
    constexpr std::int64_t columns = 20;
    std::mt19937 random(rows);
    std::normal_distribution<float> normal;
    std::vector<float> moments(columns * columns), gradient(columns * rows), steps(gradient.size()),
        values(gradient.size());
    for (std::int64_t i = 0; i < columns; ++i)
      for (std::int64_t j = 0; j < columns; ++j)
        moments[i * columns + j] = i == j ? 9.0f : 0.3f * normal(random);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] = 5 * normal(random);
      steps[i] = std::ldexp(1.0f, static_cast<int>(random() % 3) - 2);
      values[i] = static_cast<float>(snap(normal(random), {})) * steps[i];
    }
    auto fast = values, slow = values;
    std::vector<float> fast_errors(values.size()), slow_errors(values.size()), moved(values.size());
    const auto panel = [&](std::vector<float>& to, std::vector<float>& errors) {
      return DescentPanel{rows,         columns,   moments.data(), columns,     gradient.data(),
                          steps.data(), to.data(), errors.data(),  moved.data()};
    };
    const auto moves = descend(panel(fast, fast_errors), {});
    EXPECT_EQ(moves, reference::descend(panel(slow, slow_errors), {}));
    EXPECT_GT(moves, 0);
    EXPECT_EQ(fast, slow);
    EXPECT_EQ(fast_errors, slow_errors);
  }
}

TEST(Descent, the_best_partner_is_the_references_for_every_coordinate) {
  for (const std::int64_t count : {1, 16, 33, 64}) {
    std::mt19937 random(count);
    std::normal_distribution<float> normal;
    std::vector<float> up(count), up_cost(count), down(count), down_cost(count), moments(count);
    for (std::int64_t j = 0; j < count; ++j) {
      up[j] = std::fabs(normal(random));
      down[j] = -std::fabs(normal(random));
      up_cost[j] = normal(random);
      down_cost[j] = normal(random);
      moments[j] = normal(random);
    }
    const RowMoves moves{count, up.data(), up_cost.data(), down.data(), down_cost.data()};
    for (std::int64_t except = 0; except < count; ++except) {
      const Partner fast = best_partner(moves, moments.data(), 0.7f, except),
                    slow = reference::best_partner(moves, moments.data(), 0.7f, except);
      EXPECT_EQ(fast.coordinate, slow.coordinate);
      EXPECT_EQ(fast.is_up, slow.is_up);
      EXPECT_EQ(fast.cost, slow.cost);
      EXPECT_NE(fast.coordinate, except);
    }
  }
}

} // namespace
} // namespace latticelens
