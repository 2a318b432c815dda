#include "lattice/certificates.h"

#include "lattice/factor.h"
#include "lattice/kbest.h"
#include "tests/lattice/problems.h"
#include "tests/support.h"

namespace latticelens {
namespace {
using namespace testing;

/// The least error over every choice of levels.
double exact_error(const Tensor& l, const Tensor& weights, const std::vector<float>& levels,
                   const Tensor& steps, std::int64_t row) {
  const std::int64_t n = l.size(0);
  double best = std::numeric_limits<double>::infinity();
  std::vector<std::size_t> choice(n);
  while (true) {
    double error = 0;
    for (std::int64_t i = 0; i < n && error < best; ++i) {
      double sum = 0;
      for (std::int64_t j = 0; j <= i; ++j)
        sum += l[i][j].item<double>() *
               (weights[j][row].item<double>() - levels[choice[j]] * steps[j][row].item<double>());
      error += sum * sum;
    }
    best = std::min(best, error);
    std::int64_t k = 0;
    while (k < n && ++choice[k] == levels.size())
      choice[k++] = 0;
    if (k == n)
      return best;
  }
}

/// All leaves, kept by a search that drops nothing.
Tensor exact_errors(const Tensor& l, const Tensor& weights, const ElementGrid& grid,
                    const ChooseSteps& steps) {
  return reference::kbest(weights, l, grid, 1 << 20, {}, steps).errors;
}

TEST(Certificates, search_without_dropping_is_exhaustive) {
  const Tensor l = factor_moments(sample_moments(3, 5), {}, "t").l;
  const Tensor weights = at::randn({3, 2}, at::kFloat), steps = at::full({3, 2}, 0.5f);
  const std::vector<float> levels = {-2, -1, 0, 1, 2};
  const ElementGrid grid{.mantissa_bits = 1, .minimum_exponent = 1, .maximum = 2};
  const Tensor found = exact_errors(l, weights, grid, constant_steps(0.5f));
  for (std::int64_t row = 0; row < 2; ++row)
    EXPECT_NEAR(found[row].item<double>(), exact_error(l, weights, levels, steps, row), 1e-6);
}

TEST(Certificates, no_bound_exceeds_the_exact_optimum_and_no_heuristic_is_below_it) {
  int cases = 0;
  double tightest = 0;
  for (const ElementGrid& grid :
       {ElementGrid{.mantissa_bits = 1, .minimum_exponent = 0, .maximum = 3},
        ElementGrid{.mantissa_bits = 1, .minimum_exponent = 1, .maximum = 2}})
    for (std::int64_t n = 1; n <= 4; ++n)
      for (const float step : {0.25f, 0.6f, 2.0f}) { // small: most weights overflow
        Tensor h = sample_moments(n, n + 17);
        h *= at::outer(at::logspace(0, -1.5, n, 10, at::kDouble),
                       at::logspace(0, -1.5, n, 10, at::kDouble));
        const Tensor l = factor_moments(h, {.damping = 1e-3}, "t").l;
        const Tensor weights = at::randn({n, 100}, at::kFloat);
        const Tensor exact = exact_errors(l, weights, grid, constant_steps(step));
        for (const bool search : {false, true}) {
          const BabaiResult found = search ? kbest(weights, l, grid, 4, {}, constant_steps(step))
                                           : babai(weights, l, grid, {}, constant_steps(step));
          const Certificates certificates({l, weights, found.values, found.steps, grid});
          const LowerBounds bounds =
              certificates.lower_bounds(at::matmul(l.t(), l), search ? 5 : 0);
          for (const Tensor& bound :
               {bounds.a_posteriori, bounds.one_dual, bounds.diagonal, bounds.best})
            EXPECT_TRUE((bound <= exact * (1 + 1e-6) + 1e-12).all().item<bool>())
                << n << " " << step;
          EXPECT_TRUE((certificates.errors() >= exact * (1 - 1e-6)).all().item<bool>());
          tightest = std::max(tightest, (bounds.best.sum() / exact.sum()).item<double>());
          cases += 100;
        }
      }
  EXPECT_EQ(cases, 4800);
  EXPECT_GT(tightest, 0.5);
}

TEST(Certificates, gradient_steps_never_lower_the_mean_of_the_diagonal_bound_much) {
  const Tensor l = factor_moments(sample_moments(64, 3), {.order = "min-pivot"}, "t").l;
  const Tensor weights = at::randn({64, 400}, at::kFloat);
  const BabaiResult found = babai(weights, l, small_integers, {}, constant_steps(1));
  const Certificates certificates({l, weights, found.values, found.steps, small_integers});
  const Tensor h = at::matmul(l.t(), l);
  const double plain = certificates.lower_bounds(h, 0).diagonal.sum().item<double>(),
               improved = certificates.lower_bounds(h, 20).diagonal.sum().item<double>();
  EXPECT_GT(plain, 0);
  EXPECT_GT(improved, plain);
}

TEST(Certificates, forecasts_meet_what_babai_leaves_on_an_unbounded_grid) {
  const ElementGrid integers{.mantissa_bits = 8, .minimum_exponent = 8, .maximum = 500};
  const Tensor l = factor_moments(sample_moments(96, 7), {.order = "min-pivot"}, "t").l;
  const Tensor weights = at::randn({96, 2000}, at::kFloat) * 10;
  const BabaiResult found = babai(weights, l, integers, {}, constant_steps(1));
  const Certificates certificates({l, weights, found.values, found.steps, integers});
  const Forecast expected = certificates.forecast();
  const double error = certificates.errors().sum().item<double>();
  EXPECT_NEAR(error / expected.expected.sum().item<double>(), 1, 0.02);
  EXPECT_TRUE(at::allclose(expected.worst, 3 * expected.expected));
  EXPECT_LT(expected.sphere.sum().item<double>(), error);
  EXPECT_GE(profile_ratio(l), 1);
  EXPECT_GE(babai_factor(l), 1);
  // Nobody comes below the rate bound with the bits of integers this fine: entropy of N(0, 10²).
  const double bits = 0.5 * std::log2(2 * M_PI * M_E * 100);
  EXPECT_LT(2000 * rate_bound(l, 100, bits), error);
}

TEST(Certificates, overflow_is_forecast_within_a_few_percent) {
  const ElementGrid wide{.mantissa_bits = 8, .minimum_exponent = 8, .maximum = 500};
  const Tensor l = factor_moments(sample_moments(80, 11), {}, "t").l;
  const Tensor weights = at::rand({80, 4000}, at::kFloat) * 4 - 2;
  const BabaiResult found = babai(weights, l, wide, {}, constant_steps(1));
  // What an end at 3 would have cut off, unclipped before: forecast on the narrow grid.
  const ElementGrid narrow{.mantissa_bits = 1, .minimum_exponent = 1, .maximum = 3};
  const Tensor chance = Certificates({l, weights, found.values, found.steps, narrow}).overflow();
  const Tensor d =
      at::matmul(l, weights.to(at::kDouble) - found.values) / l.diagonal().unsqueeze(1);
  const Tensor beyond = ((found.values + d).abs() > 3).to(at::kDouble);
  EXPECT_GT(beyond.mean().item<double>(), 1e-4);
  EXPECT_NEAR(chance.mean().item<double>() / beyond.mean().item<double>(), 1, 0.15);
}

} // namespace
} // namespace latticelens
