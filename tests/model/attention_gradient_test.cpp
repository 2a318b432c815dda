// The gradient of attention against LibTorch's, in fp64.
#include "model/attention.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {
namespace {

struct Problem {
  Config config;
  Rope rope;
  std::int64_t window;
  Tensor q, k, v, gradient, sinks = {};
};

Problem random_problem(std::int64_t t, std::int64_t dimension, std::int64_t rotary,
                       std::int64_t window) {
  at::manual_seed(t + dimension);
  Config config;
  config.heads = 4;
  config.key_value_heads = 2;
  config.head_dimension = dimension;
  config.rotary_dimension = rotary;
  const auto random = [&](std::int64_t heads) { return at::randn({2, t, heads * dimension}); };
  return {config, make_rope(config, t), window, random(4), random(2), random(2), random(4)};
}

/// As rotate_heads, of operations that LibTorch can differentiate.
Tensor turned(const Tensor& x, std::int64_t heads, const Rope& rope) {
  const std::int64_t pairs = rope.cosine.size(1);
  const Tensor split = x.unflatten(2, {heads, -1}).transpose(1, 2);
  const Tensor a = split.slice(3, 0, pairs), b = split.slice(3, pairs, 2 * pairs);
  return at::cat(
      {a * rope.cosine - b * rope.sine, b * rope.cosine + a * rope.sine, split.slice(3, 2 * pairs)},
      3);
}

Tensor plain(const Problem& p, const Tensor& q, const Tensor& k, const Tensor& v) {
  const std::int64_t t = q.size(1), shared = p.config.key_value_heads,
                     group = p.config.heads / shared;
  const Rope rope{p.rope.cosine.to(at::kDouble), p.rope.sine.to(at::kDouble)};
  const Tensor queries = turned(q, p.config.heads, rope);
  const Tensor keys = turned(k, shared, rope).repeat_interleave(group, 1);
  const Tensor values = v.unflatten(2, {shared, -1}).transpose(1, 2).repeat_interleave(group, 1);
  const Tensor ones = at::ones({t, t}, at::kBool);
  const Tensor seen = p.window > 0 ? ones.tril().logical_and(ones.triu(1 - p.window)) : ones.tril();
  const Tensor scores = at::matmul(queries, keys.transpose(2, 3)) /
                        std::sqrt(static_cast<double>(p.config.head_dimension));
  Tensor visible = scores.masked_fill(seen.logical_not(), -std::numeric_limits<double>::infinity());
  if (p.sinks.defined())
    visible = at::cat(
        {visible, p.sinks.to(at::kDouble).view({1, -1, 1, 1}).expand({visible.size(0), -1, t, 1})},
        -1);
  const Tensor shares = visible.softmax(-1).slice(-1, 0, t);
  return at::matmul(shares, values).transpose(1, 2).flatten(2);
}

using Inputs = std::vector<Tensor>;

Inputs inputs_in(const Problem& p, at::ScalarType type) {
  Inputs inputs;
  for (const Tensor& x : {p.q, p.k, p.v})
    inputs.push_back(x.to(type).clone().requires_grad_());
  return inputs;
}

Inputs gradients_of(const Problem& p) {
  const Inputs x = inputs_in(p, at::kFloat);
  const Tensor y = attend(x[0], x[1], x[2], p.rope, p.config, p.window, {}, p.sinks);
  EXPECT_TRUE(at::equal(y, attend(p.q, p.k, p.v, p.rope, p.config, p.window, {}, p.sinks)));
  return torch::autograd::grad({y}, x, {p.gradient});
}

TEST(AttentionGradient, is_libtorchs_for_odd_shapes_windows_and_rotated_shares) {
  for (const auto& [t, dimension, rotary, window] : {std::array<std::int64_t, 4>{1, 2, 0, 0},
                                                     {97, 8, 0, 0},
                                                     {250, 10, 4, 0},
                                                     {200, 64, 0, 50},
                                                     {130, 128, 0, 0}}) {
    Problem p = random_problem(t, dimension, rotary, window);
    for (const Tensor& sinks : {Tensor(), at::randn({p.config.heads})}) {
      p.sinks = sinks;
      const Inputs x = inputs_in(p, at::kDouble), actual = gradients_of(p);
      const Inputs expected =
          torch::autograd::grad({plain(p, x[0], x[1], x[2])}, x, {p.gradient.to(at::kDouble)});
      for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(at::allclose(actual[i].to(at::kDouble), expected[i], 1e-4, 1e-4))
            << t << " " << i << " "
            << (actual[i].to(at::kDouble) - expected[i]).abs().max().item<double>();
    }
  }
}

TEST(AttentionGradient, passes_through_the_functions_of_the_heads) {
  const Problem p = random_problem(130, 8, 4, 0);
  const Tensor matrix = at::randn({8, 8}, at::kDouble);
  const auto by = [](const Tensor& m) { return [m](const Tensor& x) { return at::matmul(x, m); }; };
  const HeadFunctions functions{by(matrix.to(at::kFloat)), by(matrix.to(at::kFloat).inverse().t()),
                                by(matrix.to(at::kFloat))};
  const Inputs x = inputs_in(p, at::kFloat), y = inputs_in(p, at::kDouble);
  const Tensor actual = attend(x[0], x[1], x[2], p.rope, p.config, p.window, functions);
  // Scores stay as they are; what is mixed is multiplied at the end.
  const Tensor expected = at::matmul(plain(p, y[0], y[1], y[2]).unflatten(2, {4, 8}), matrix);
  EXPECT_TRUE(at::allclose(actual.to(at::kDouble), expected.flatten(2), 1e-3, 1e-3));
  const Inputs slopes = torch::autograd::grad({actual}, x, {p.gradient}),
               wanted =
                   torch::autograd::grad({expected.flatten(2)}, y, {p.gradient.to(at::kDouble)});
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(at::allclose(slopes[i].to(at::kDouble), wanted[i], 1e-3, 1e-3)) << i;
}

TEST(AttentionGradient, has_the_same_bytes_at_one_and_two_threads) {
  const Problem p = random_problem(300, 16, 0, 0);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Inputs one = gradients_of(p);
  at::set_num_threads(2);
  const Inputs two = gradients_of(p);
  at::set_num_threads(before);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(at::equal(one[i], two[i])) << i;
}

} // namespace
} // namespace latticelens
