#include "core/error.h"
#include "lattice/factor.h"
#include "lattice/min_pivot.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <numeric>

namespace latticelens {
namespace {

/// Moments with a steep spectrum and a few loud channels.
Tensor steep_moments(std::int64_t n, std::uint64_t seed) {
  at::manual_seed(seed);
  Tensor x = at::matmul(at::randn({2 * n + 3, n}, at::kDouble) / at::arange(1, n + 1, at::kDouble),
                        at::randn({n, n}, at::kDouble));
  x.slice(1, 0, n, 7) *= 8;
  return at::matmul(x.t(), x);
}

Tensor permuted(const Tensor& h, const Order& order) {
  const Tensor index = at::tensor(order, at::kLong);
  return h.index_select(0, index).index_select(1, index);
}

double sum_of_squared_cells(const Tensor& l) {
  return l.diagonal().square().sum().item<double>();
}

TEST(Orders, every_order_factors_the_permuted_moments_and_keeps_blocks_together) {
  for (const OrderRow& row : orders())
    for (const std::int64_t block : {1, 4, 32})
      for (const std::int64_t n : {32, 96, 128, 224, 320}) {
        const Tensor h = steep_moments(n, n);
        const LatticeFactor factor =
            factor_moments(h, {.damping = 0.01, .order = row.name, .block = block}, "test");
        Order sorted = factor.order;
        std::sort(sorted.begin(), sorted.end());
        for (std::int64_t i = 0; i < n; ++i)
          ASSERT_EQ(sorted[i], i) << row.name;
        for (std::int64_t i = 0; i < n; ++i)
          EXPECT_EQ(factor.order[i] / block, factor.order[i / block * block] / block) << row.name;
        const Tensor damped = permuted(h + factor.lambda * at::eye(n, at::kDouble), factor.order);
        EXPECT_TRUE(at::allclose(at::matmul(factor.l.t(), factor.l), damped, 1e-11, 1e-9))
            << row.name << n;
        EXPECT_TRUE(at::equal(factor.l, factor.l.tril()));
      }
}

TEST(Orders, panels_of_min_pivot_choose_what_the_obvious_elimination_chooses) {
  for (const std::int64_t block : {1, 32})
    for (const std::int64_t n : {32, 96, 160, 288}) {
      const Tensor h = steep_moments(n, n + 1);
      OrderedFactor fast, slow;
      ASSERT_TRUE(factor_min_pivot(h, 0.1, block, fast));
      ASSERT_TRUE(reference::factor_min_pivot(h, 0.1, block, slow));
      EXPECT_EQ(fast.order, slow.order) << n << " " << block;
      EXPECT_TRUE(at::allclose(fast.l, slow.l, 1e-8, 1e-8));
    }
}

TEST(Orders, min_pivot_has_smaller_cells_than_the_others_on_a_steep_spectrum) {
  const Tensor h = steep_moments(256, 9);
  const auto cells = [&](const char* order) {
    return sum_of_squared_cells(factor_moments(h, {.damping = 1e-4, .order = order}, "t").l);
  };
  EXPECT_LT(cells("min-pivot"), cells("activation"));
  EXPECT_LT(cells("activation"), cells("natural"));
}

TEST(Orders, undoing_an_order_gives_the_rows_back) {
  const Tensor x = at::randn({5, 3});
  const Order order = {3, 1, 4, 0, 2};
  EXPECT_TRUE(at::equal(undo_order(in_order(x, order), order), x));
  EXPECT_TRUE(at::equal(in_order(x, order)[0], x[3]));
  EXPECT_ERROR(order_row("random"), "known: natural, reversed, activation, min-pivot");
  EXPECT_ERROR(factor_moments(at::eye(33, at::kDouble), {.block = 32}, "blk"), "no multiple");
}

} // namespace
} // namespace latticelens
