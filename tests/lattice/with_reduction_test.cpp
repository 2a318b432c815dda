#include "lattice/with_reduction.h"

#include "lattice/factor.h"
#include "tests/lattice/problems.h"
#include "tests/support.h"

namespace latticelens {
namespace {
using namespace testing;

TEST(WithReduction, rounds_to_integers_of_the_same_lattice_with_the_error_that_it_says) {
  at::manual_seed(5);
  const Tensor mix = at::randn({48, 48}, at::kDouble) * at::logspace(0, -3, 48, 10, at::kDouble);
  const Tensor x = at::matmul(at::randn({200, 48}, at::kDouble), mix);
  const Tensor l = factor_moments(at::matmul(x.t(), x), {.damping = 1e-8}, "test").l;
  const Tensor u = at::randn({48, 500}, at::kDouble) * 10;
  const Reduction reduction = reduce_basis(l, {.depth = 8}, "test");
  const IntegerRounding plain = round_integers(l, u),
                        reduced = round_with_reduction(l, reduction, u);
  for (const IntegerRounding& rounded : {plain, reduced}) {
    EXPECT_TRUE(at::equal(rounded.integers, at::round(rounded.integers)));
    EXPECT_TRUE(at::allclose(rounded.errors, at::matmul(l, u - rounded.integers).square().sum(0)));
  }
  // The mean error of Babai's rule is sum L_ii² / 12 on any basis of the lattice.
  for (const auto& [basis, errors] :
       {std::pair{l, plain.errors}, std::pair{reduction.l, reduced.errors}})
    EXPECT_NEAR(errors.mean().item<double>() /
                    (basis.diagonal().square().sum().item<double>() / 12),
                1, 0.03);
  EXPECT_LT(reduced.errors.mean().item<double>(), plain.errors.mean().item<double>());
}

} // namespace
} // namespace latticelens
