#include "tensor/quadratic_form.h"

#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

Tensor moments(std::int64_t n) {
  const Tensor x = at::randn({n + 3, n}, at::kDouble);
  return at::matmul(x.t(), x);
}

TEST(QuadraticForm, equals_the_reference_for_odd_shapes) {
  for (const std::int64_t rows : {0, 1, 127, 200})
    for (const std::int64_t n : {1, 95, 96, 97, 200, 289}) {
      const Tensor d = at::randn({rows, n}, at::kDouble), s = moments(n);
      const double expected = reference::quadratic_form(d, s);
      // Sums of at most 289 products of one sign's size, in another order: far below 1e-11.
      EXPECT_NEAR(quadratic_form(d, s), expected, 1e-11 * expected) << rows << "x" << n;
    }
}

TEST(QuadraticForm, has_the_same_bytes_at_one_and_two_threads) {
  const Tensor d = at::randn({300, 250}, at::kDouble), s = moments(250);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const double one = quadratic_form(d, s);
  at::set_num_threads(2);
  const double two = quadratic_form(d, s);
  at::set_num_threads(before);
  EXPECT_EQ(one, two);
}

} // namespace
} // namespace latticelens
