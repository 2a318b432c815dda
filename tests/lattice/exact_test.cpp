// Exact search as the measure of the heuristics.
#include "lattice/descent.h"
#include "lattice/enumeration.h"
#include "lattice/factor.h"
#include "lattice/kbest.h"
#include "lattice/klein.h"
#include "tests/lattice/problems.h"
#include "tests/support.h"

namespace latticelens {
namespace {
using namespace testing;

struct Problem {
  Problem(std::int64_t n, std::int64_t rows, const char* order = "min-pivot")
      : l(factor_moments(sample_moments(n, n + 3), {.order = order}, "test").l),
        weights(at::randn({n, rows}, at::kFloat)) {}
  Tensor l, weights;
};

TEST(Enumeration, finds_what_a_search_that_drops_nothing_finds) {
  for (const ElementGrid& grid : {ElementGrid{}, small_integers})
    for (const std::int64_t n : {1, 2, 3}) {
      const Problem problem(n, 40);
      const Tensor steps = at::full({n, 40}, 0.3f);
      const auto exact = exact_search(problem.weights, problem.l, steps, grid, 1 << 20);
      const auto all =
          reference::kbest(problem.weights, problem.l, grid, 1 << 15, {}, constant_steps(0.3f));
      EXPECT_EQ(exact.unfinished, 0);
      EXPECT_TRUE(at::equal(exact.values, all.values)) << n;
      EXPECT_TRUE(at::allclose(exact.errors, all.errors));
    }
}

TEST(Enumeration, no_heuristic_is_below_it_and_many_paths_come_close) {
  const Problem problem(24, 30);
  const ChooseSteps choose = constant_steps(0.4f);
  const BabaiResult plain = babai(problem.weights, problem.l, {}, {}, choose);
  const auto exact = exact_search(problem.weights, problem.l, plain.steps, {}, 20'000'000);
  ASSERT_EQ(exact.unfinished, 0);
  const double best = exact.errors.sum().item<double>();
  const auto check = [&](const Tensor& errors) {
    EXPECT_TRUE((errors >= exact.errors * (1 - 1e-5)).all().item<bool>());
    return errors.sum().item<double>() / best;
  };
  const double babai_ratio = check(plain.errors);
  const double few = check(kbest(problem.weights, problem.l, {}, 8, {}, choose).errors);
  const double many = check(kbest(problem.weights, problem.l, {}, 256, {}, choose).errors);
  const double drawn =
      check(klein(problem.weights, problem.l, {}, {.samples = 32}, {}, choose).errors);
  const Tensor h = at::matmul(problem.l.t(), problem.l);
  const double lower = check(descend(problem.weights, plain.values, plain.steps, h, {}, {}).errors);
  EXPECT_LT(few, babai_ratio);
  EXPECT_LE(many, few);
  EXPECT_LT(many, 1.02);
  EXPECT_LT(drawn, babai_ratio);
  EXPECT_LE(lower, babai_ratio);
}

TEST(Enumeration, counts_the_rows_that_meet_the_limit) {
  const Problem problem(40, 6, "natural");
  const auto cut = exact_search(problem.weights, problem.l, at::full({40, 6}, 0.2f), {}, 100);
  EXPECT_EQ(cut.unfinished, 6);
  EXPECT_TRUE(cut.errors.isfinite().all().item<bool>());
}

TEST(Klein, draws_are_those_of_the_seed_and_never_worse_than_babai) {
  const Problem problem(100, 130);
  const ChooseSteps choose = block_maximum_steps();
  const BabaiResult plain = babai(problem.weights, problem.l, {}, {}, choose);
  const BabaiResult one = klein(problem.weights, problem.l, {}, {.seed = 1}, {}, choose),
                    again = klein(problem.weights, problem.l, {}, {.seed = 1}, {}, choose),
                    other = klein(problem.weights, problem.l, {}, {.seed = 2}, {}, choose);
  EXPECT_TRUE(at::equal(one.values, again.values));
  EXPECT_FALSE(at::equal(one.values, other.values));
  EXPECT_TRUE((one.errors <= plain.errors).all().item<bool>());
  EXPECT_LT(one.errors.sum().item<double>(), plain.errors.sum().item<double>());
  const Tensor errors =
      at::matmul(problem.l, (problem.weights - one.values).to(at::kDouble)).square().sum(0);
  EXPECT_TRUE(at::allclose(errors, one.errors, 1e-4));
}

} // namespace
} // namespace latticelens
