#include "tensor/total.h"

#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

TEST(Total, bug_sums_of_large_matrices_differed_between_one_and_two_threads) {
  at::manual_seed(4);
  const Tensor matrix = at::randn({1536, 576}, at::kFloat).square();
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const double one = total(matrix);
  at::set_num_threads(2);
  const double two = total(matrix);
  at::set_num_threads(before);
  EXPECT_EQ(one, two);
  EXPECT_NEAR(one, matrix.to(at::kDouble).sum().item<double>(), 1e-6 * one);
}

} // namespace
} // namespace latticelens
