#include "tensor/gradient.h"

#include "tensor/linear.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {
namespace {

using Tensors = std::vector<Tensor>;

TEST(Gradient, is_wanted_only_where_somebody_asks) {
  const Tensor plain = at::ones({2}), watched = at::ones({2}).requires_grad_();
  EXPECT_FALSE(wants_gradient({plain, Tensor()}));
  EXPECT_TRUE(wants_gradient({plain, watched}));
  const c10::NoGradGuard unwatched;
  EXPECT_FALSE(wants_gradient({watched}));
}

TEST(Gradient, straight_through_has_one_value_and_the_others_gradient) {
  const Tensor x = at::randn({3, 4}).requires_grad_(), weights = at::randn({3, 4});
  const Tensor y = straight_through(x.detach().round(), x);
  EXPECT_TRUE(at::equal(y.detach(), x.detach().round()));
  EXPECT_TRUE(at::equal(torch::autograd::grad({(y * weights).sum()}, {x})[0], weights));
}

TEST(Gradient, what_is_held_is_freed_after_the_backward_pass) {
  const auto held = std::make_shared<int>(1);
  const Tensor x = at::ones({2}).requires_grad_();
  const Tensor y = with_gradient(at::ones({2}), {x},
                                 [held](const Tensor& gradient) { return Tensors{gradient}; });
  EXPECT_EQ(held.use_count(), 2);
  torch::autograd::grad({y.sum()}, {x});
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Gradient, of_a_linear_is_libtorchs) {
  at::manual_seed(1);
  for (const std::int64_t tokens : {5, 100}) {
    const Tensors values = {at::randn({2, tokens, 70}), at::randn({130, 70}), at::randn({130})};
    const Tensor outer = at::randn({2, tokens, 130});
    Tensors ours, theirs;
    for (const Tensor& x : values) {
      ours.push_back(x.clone().requires_grad_());
      theirs.push_back(x.to(at::kDouble).requires_grad_());
    }
    const Tensor y = linear_of(ours[0], ours[1], ours[2]);
    EXPECT_TRUE(at::allclose(y, linear_of(values[0], values[1], values[2]), 1e-5, 1e-4));
    const Tensors actual = torch::autograd::grad({y}, ours, {outer});
    const Tensors expected = torch::autograd::grad(
        {reference::linear_of(theirs[0], theirs[1], theirs[2])}, theirs, {outer.to(at::kDouble)});
    for (int i = 0; i < 3; ++i)
      EXPECT_TRUE(at::allclose(actual[i].to(at::kDouble), expected[i], 1e-4, 1e-4)) << i;
  }
}

} // namespace
} // namespace latticelens
