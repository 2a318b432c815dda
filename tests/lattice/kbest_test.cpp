#include "lattice/kbest.h"

#include "core/error.h"
#include "lattice/factor.h"
#include "tests/lattice/problems.h"
#include "tests/support.h"

namespace latticelens {
namespace {
using namespace testing;

struct Problem {
  Problem(std::int64_t n, std::int64_t rows)
      : l(factor_moments(sample_moments(n, n), {.order = "min-pivot"}, "test").l),
        weights(at::randn({n, rows}, at::kFloat)) {}
  Tensor l, weights;
};

TEST(KBest, blocks_and_windows_give_the_values_of_whole_copies_for_odd_shapes) {
  for (const auto& [n, rows] : {std::pair{1, 3}, {2, 1}, {33, 5}, {64, 97}, {100, 3}})
    for (const std::int64_t paths : {1, 2, 5, 8, 32}) {
      const Problem problem(n, rows);
      for (const ElementGrid& grid : {ElementGrid{}, small_integers}) {
        const auto fast = kbest(problem.weights, problem.l, grid, paths, {}, block_maximum_steps());
        const auto slow =
            reference::kbest(problem.weights, problem.l, grid, paths, {}, block_maximum_steps());
        EXPECT_TRUE(at::equal(fast.values, slow.values)) << n << "x" << rows << " K " << paths;
        EXPECT_TRUE(at::allclose(fast.errors, slow.errors, 1e-4));
        EXPECT_EQ(fast.clipped, slow.clipped);
      }
    }
}

TEST(KBest, one_path_gives_babais_values) {
  for (const int candidates : {1, 3}) {
    const Problem problem(300, 100);
    const BabaiOptions options{.candidates = candidates};
    const auto one = kbest(problem.weights, problem.l, {}, 1, options, block_maximum_steps());
    const auto plain = babai(problem.weights, problem.l, {}, options, block_maximum_steps());
    EXPECT_TRUE(at::equal(one.values, plain.values));
    EXPECT_TRUE(at::equal(one.steps, plain.steps));
    EXPECT_EQ(one.clipped, plain.clipped);
  }
}

TEST(KBest, errors_are_those_of_the_values_and_fall_with_more_paths) {
  const Problem problem(200, 64);
  double before = std::numeric_limits<double>::infinity();
  for (const std::int64_t paths : {1, 4, 16, 64}) {
    const auto found = kbest(problem.weights, problem.l, {}, paths, {}, constant_steps(0.5));
    const Tensor errors =
        at::matmul(problem.l, (problem.weights - found.values).to(at::kDouble)).square().sum(0);
    EXPECT_TRUE(at::allclose(errors, found.errors, 1e-4));
    EXPECT_LT(errors.sum().item<double>(), before) << paths;
    before = errors.sum().item<double>();
  }
}

TEST(KBest, enough_paths_find_the_best_of_all_leaves) {
  // Three coordinates of 15 levels: 3375 leaves, and no beginning is ever dropped among 225.
  const Problem problem(3, 20);
  const auto found = kbest(problem.weights, problem.l, {}, 225, {}, constant_steps(0.4f));
  const auto levels =
      reference::kbest(problem.weights, problem.l, {}, 3375, {}, constant_steps(0.4f));
  EXPECT_TRUE(at::equal(found.values, levels.values));
}

TEST(KBest, values_do_not_depend_on_the_rows_around_them) {
  const Problem problem(96, 130);
  const auto all = kbest(problem.weights, problem.l, {}, 8, {}, block_maximum_steps());
  const auto some = kbest(problem.weights.slice(1, 90, 120).contiguous(), problem.l, {}, 8, {},
                          block_maximum_steps());
  EXPECT_TRUE(at::equal(all.values.slice(1, 90, 120), some.values));
}

TEST(KBest, errors_say_what_is_possible) {
  const Problem problem(4, 2);
  EXPECT_ERROR(kbest(problem.weights, problem.l, {}, 0, {}, constant_steps(1)), "choose 1 to");
  EXPECT_ERROR(
      kbest(problem.weights, problem.l, {}, 4, {.steps_per_panel = true}, constant_steps(1)),
      "use scales=current");
}

} // namespace
} // namespace latticelens
