#include "core/error.h"
#include "lattice/babai.h"
#include "lattice/factor.h"
#include "tests/lattice/problems.h"
#include "tests/support.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

using namespace testing;

TEST(Factor, reproduces_the_damped_moments) {
  const Tensor h = sample_moments(40, 1);
  const LatticeFactor factor = factor_moments(h, {}, "test");
  const Tensor damped = h + 0.01 * h.diagonal().mean() * at::eye(40, at::kDouble);
  EXPECT_TRUE(at::allclose(at::matmul(factor.l.t(), factor.l), damped, 1e-12, 1e-9));
  EXPECT_TRUE(at::equal(factor.l, factor.l.tril()));
  EXPECT_EQ(factor.escalations, 0);
}

TEST(Factor, damping_rises_for_a_singular_matrix_and_fails_for_a_broken_one) {
  const Tensor v = at::arange(1, 9, at::kDouble).unsqueeze(1);
  const LatticeFactor factor =
      factor_moments(at::matmul(v, v.t()) - 1e-9 * at::eye(8, at::kDouble), {.damping = 0}, "test");
  EXPECT_GT(factor.escalations, 0);
  EXPECT_GT(factor.damping, 0);
  EXPECT_ERROR(factor_moments(at::zeros({4, 4}, at::kDouble), {}, "blk"),
               "blk: the moments are all zero");
  EXPECT_ERROR(factor_moments(at::full({4, 4}, NAN, at::kDouble), {}, "blk"), "not finite");
  Tensor indefinite = at::eye(4, at::kDouble);
  indefinite[0][1] = indefinite[1][0] = 50;
  EXPECT_ERROR(factor_moments(indefinite, {.damping = 1e-9}, "blk"), "not positive definite");
}

TEST(Babai, panels_give_the_codes_of_the_obvious_loop_for_odd_shapes) {
  for (const auto& [n, rows] : {std::pair{1, 3}, {31, 1}, {33, 9}, {128, 8}, {161, 5}, {300, 17}}) {
    const Tensor l = factor_moments(sample_moments(n, n), {}, "test").l;
    const Tensor weights = at::randn({n, rows}, at::kFloat);
    for (const bool stale : {false, true}) {
      const BabaiOptions options{.steps_per_panel = stale};
      const auto fast = babai(weights, l, {}, options, constant_steps(0.25));
      const auto slow = reference::babai(weights, l, {}, options, constant_steps(0.25));
      EXPECT_TRUE(at::equal(fast.values, slow.values)) << n << "x" << rows;
      EXPECT_EQ(fast.clipped, slow.clipped);
    }
  }
}

TEST(Babai, equals_nearest_on_a_diagonal_gram_matrix) {
  const Tensor l =
      factor_moments(at::diag(at::arange(1, 65, at::kDouble)), {.damping = 0}, "test").l;
  const Tensor weights = at::randn({64, 10}, at::kFloat);
  const auto result = babai(weights, l, {.mantissa_bits = 2, .minimum_exponent = 2, .maximum = 7},
                            {}, constant_steps(0.5));
  EXPECT_TRUE(at::equal(result.values, at::clamp(at::round(weights / 0.5), -7, 7) * 0.5));
}

TEST(Babai, unclipped_error_stays_within_a_quarter_of_the_squared_cells) {
  // Chen et al., Theorem 5: |L (w - v)|^2 <= 1/4 sum (step L_ii)^2 on an unbounded grid.
  const Tensor l = factor_moments(sample_moments(96, 7), {}, "test").l;
  const Tensor weights = at::randn({96, 50}, at::kFloat);
  const ElementGrid integers{.mantissa_bits = 20, .minimum_exponent = 20, .maximum = 1e6};
  const auto result = babai(weights, l, integers, {}, constant_steps(0.1f));
  const Tensor errors = at::matmul(l, (weights - result.values).to(at::kDouble)).square().sum(0);
  const double bound = 0.25 * (0.1 * l.diagonal()).square().sum().item<double>();
  EXPECT_LE(errors.max().item<double>(), bound);
  EXPECT_GT(errors.mean().item<double>(), bound / 6); // the expectation is a third of the bound
  EXPECT_EQ(result.clipped, 0);
}

} // namespace
} // namespace latticelens
