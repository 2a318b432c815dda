#include "tensor/cholesky.h"

#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

Tensor positive_definite(std::int64_t n) {
  at::manual_seed(n);
  const Tensor x = at::randn({2 * n, n}, at::kDouble);
  return at::matmul(x.t(), x);
}

TEST(Cholesky, equals_lapack_for_sizes_around_the_panel) {
  for (const std::int64_t n : {1, 2, 31, 95, 96, 97, 192, 250, 400}) {
    const Tensor a = positive_definite(n);
    Tensor factor = a.clone();
    ASSERT_TRUE(cholesky_in_place(factor));
    EXPECT_TRUE(at::allclose(factor.tril(), at::linalg_cholesky(a), 1e-11, 1e-11)) << n;
  }
}

TEST(Cholesky, has_the_same_bytes_at_one_and_two_threads) {
  const Tensor a = positive_definite(333);
  const int before = at::get_num_threads();
  Tensor one = a.clone(), two = a.clone();
  at::set_num_threads(1);
  ASSERT_TRUE(cholesky_in_place(one));
  at::set_num_threads(2);
  ASSERT_TRUE(cholesky_in_place(two));
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one.tril(), two.tril()));
}

TEST(Cholesky, refuses_what_is_not_positive_definite) {
  for (const std::int64_t n : {1, 96, 200}) {
    Tensor a = positive_definite(n);
    a[n - 1][n - 1] = -1;
    EXPECT_FALSE(cholesky_in_place(a)) << n;
  }
}

} // namespace
} // namespace latticelens
