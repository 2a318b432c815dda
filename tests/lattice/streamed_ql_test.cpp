#include "lattice/streamed_ql.h"

#include "core/error.h"
#include "lattice/factor.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

Tensor streamed(const Tensor& x, double lambda, const Order& order, std::int64_t batch) {
  StreamedQl ql(x.size(1));
  for (std::int64_t first = 0; first < x.size(0); first += batch)
    ql.add(x.slice(0, first, std::min(first + batch, x.size(0))));
  return ql.finish(lambda, order, "test");
}

TEST(StreamedQl, gives_the_factor_of_the_moments_in_every_order_and_batching) {
  at::manual_seed(1);
  for (const std::int64_t tokens : {20, 64, 300}) {
    const Tensor x = at::randn({tokens, 64}, at::kDouble);
    const Tensor h = at::matmul(x.t(), x);
    for (const OrderRow& row : orders()) {
      const LatticeFactor factor = factor_moments(h, {.order = row.name}, "test");
      for (const std::int64_t batch : {7, 64, 1000})
        EXPECT_TRUE(
            at::allclose(streamed(x, factor.lambda, factor.order, batch), factor.l, 1e-8, 1e-8))
            << row.name << batch;
    }
  }
}

TEST(StreamedQl, keeps_digits_that_squaring_loses) {
  // Random triangular matrices have conditions that grow like 2^n; the moments' is the square.
  at::manual_seed(3);
  const std::int64_t n = 40;
  const Tensor q = std::get<0>(at::linalg_qr(at::randn({200, n}, at::kDouble)));
  const Tensor known = at::randn({n, n}, at::kDouble).tril();
  const Tensor l = known * at::where(known.diagonal() < 0, -1.0, 1.0).to(at::kDouble).unsqueeze(1);
  const Tensor x = at::matmul(q, l);
  const Tensor found = streamed(x, 0, {}, 50);
  const auto error_of = [&](const Tensor& factor) {
    return ((factor - l).abs().amax(1) / l.diagonal()).max().item<double>();
  };
  EXPECT_LT(error_of(found), 1e-4);
  const LatticeFactor squared = factor_moments(at::matmul(x.t(), x), {.damping = 0}, "test");
  EXPECT_TRUE(squared.escalations > 0 || error_of(squared.l) > 100 * error_of(found));
}

TEST(StreamedQl, has_the_same_bytes_at_one_and_two_threads_and_refuses_what_spans_nothing) {
  const Tensor x = at::randn({150, 96}, at::kDouble);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = streamed(x, 0.1, {}, 40);
  at::set_num_threads(2);
  const Tensor two = streamed(x, 0.1, {}, 40);
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one, two));
  EXPECT_ERROR(streamed(at::zeros({10, 4}, at::kDouble), 0, {}, 5), "no lattice of full rank");
  EXPECT_ERROR(streamed(at::full({10, 4}, NAN, at::kDouble), 1, {}, 5), "not finite");
}

} // namespace
} // namespace latticelens
