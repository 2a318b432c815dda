#include "tensor/rms_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace latticelens {
namespace {

TEST(RmsNorm, equals_libtorch_for_odd_shapes_and_sizes) {
  at::manual_seed(1);
  for (const std::int64_t rows : {0, 1, 5, 70})
    for (const std::int64_t width : {1, 15, 16, 33, 576})
      for (const double size : {1e-4, 1.0, 1e4}) {
        const Tensor x = at::randn({2, rows, width}) * size, gain = at::randn({width});
        EXPECT_TRUE(
            at::allclose(rms_norm(x, gain, 1e-5), reference::rms_norm(x, gain, 1e-5), 1e-6, 1e-6))
            << rows << " x " << width << ", " << size;
      }
}

TEST(RmsNorm, takes_views_and_other_types_as_their_values) {
  const Tensor x = at::randn({48, 7}).t(), gain = at::randn({48}).to(at::kBFloat16);
  EXPECT_TRUE(
      at::equal(rms_norm(x, gain, 1e-5), rms_norm(x.contiguous(), gain.to(at::kFloat), 1e-5)));
}

TEST(RmsNorm, a_gradient_is_libtorchs) {
  const Tensor x = at::randn({3, 32}).requires_grad_(), gain = at::ones({32});
  rms_norm(x, gain, 1e-5).sum().backward();
  const Tensor other = x.detach().clone().requires_grad_();
  at::rms_norm(other, {32}, gain, 1e-5).sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), other.grad()));
}

} // namespace
} // namespace latticelens
