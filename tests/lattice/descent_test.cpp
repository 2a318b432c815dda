#include "lattice/descent.h"

#include "lattice/factor.h"
#include "lattice/kbest.h"
#include "tests/lattice/problems.h"
#include "tests/support.h"

namespace latticelens {
namespace {
using namespace testing;

struct Problem {
  explicit Problem(std::int64_t n, std::int64_t rows = 70)
      : h(sample_moments(n, n)), weights(at::randn({n, rows}, at::kFloat)) {
    h += 0.01 * h.diagonal().mean() * at::eye(n, at::kDouble);
    start =
        babai(weights, factor_moments(h, {.damping = 0}, "test").l, {}, {}, block_maximum_steps());
  }
  Tensor errors(const Tensor& values) const {
    const Tensor left = (weights - values).to(at::kDouble);
    return (at::matmul(h, left) * left).sum(0);
  }
  Tensor h, weights;
  BabaiResult start;
};

TEST(Descent, no_row_gets_worse_and_no_single_move_is_left) {
  for (const std::int64_t n : {1, 30, 64, 150}) {
    const Problem problem(n);
    const auto found =
        descend(problem.weights, problem.start.values, problem.start.steps, problem.h, {}, {});
    EXPECT_TRUE(found.converged);
    const Tensor before = problem.errors(problem.start.values),
                 after = problem.errors(found.values);
    EXPECT_TRUE((after <= before * (1 + 1e-6)).all().item<bool>());
    EXPECT_TRUE(at::allclose(found.errors, after));
    const Tensor gradient = at::matmul(problem.h, (problem.weights - found.values).to(at::kDouble));
    const Tensor wanted = (found.values + gradient / problem.h.diagonal().unsqueeze(1));
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t row = 0; row < 5; ++row) {
        const double step = problem.start.steps[i][row].item<double>(),
                     target = wanted[i][row].item<double>() / step;
        const double best = snap(target, {}), now = found.values[i][row].item<double>() / step;
        EXPECT_LE(std::fabs(target - now), std::fabs(target - best) * 1.0001 + 1e-3);
      }
  }
}

TEST(Descent, pairs_go_on_where_single_moves_stop) {
  const Problem problem(96);
  const auto single =
      descend(problem.weights, problem.start.values, problem.start.steps, problem.h, {}, {});
  const auto pairs = descend(problem.weights, problem.start.values, problem.start.steps, problem.h,
                             {}, {.pairs = 5});
  EXPECT_GT(pairs.pair_moves, 0);
  EXPECT_TRUE((pairs.errors <= single.errors * (1 + 1e-6)).all().item<bool>());
  EXPECT_LT(pairs.errors.sum().item<double>(), single.errors.sum().item<double>());
  const Tensor scaled = pairs.values / problem.start.steps;
  for (std::int64_t i = 0; i < 96; ++i)
    EXPECT_EQ(snap(scaled[i][0].item<double>(), {}), scaled[i][0].item<double>());
}

} // namespace
} // namespace latticelens
