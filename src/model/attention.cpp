#include "model/attention.h"

#include <ATen/ATen.h>

namespace latticelens {

Rope make_rope(const Config& config, std::int64_t tokens) {
  const std::vector<double> frequencies = rope_frequencies(config);
  const Tensor positions = at::arange(tokens, at::kDouble).unsqueeze(1);
  const Tensor angles = positions * at::tensor(frequencies, at::kDouble).unsqueeze(0);
  return {angles.cos().to(at::kFloat), angles.sin().to(at::kFloat)};
}

Tensor rotate_heads(const Tensor& x, std::int64_t heads, const Rope& rope) {
  const std::int64_t n = x.size(0), t = x.size(1), dimension = x.size(2) / heads;
  const Tensor split = x.view({n, t, heads, 2, dimension / 2});
  const Tensor first = split.select(3, 0), second = split.select(3, 1);
  const Tensor cosine = rope.cosine.slice(0, 0, t).unsqueeze(1),
               sine = rope.sine.slice(0, 0, t).unsqueeze(1);
  const Tensor rotated = at::empty({n, t, heads, 2, dimension / 2}, x.options());
  rotated.select(3, 0).copy_(first * cosine - second * sine);
  rotated.select(3, 1).copy_(second * cosine + first * sine);
  return rotated.view({n, t, heads, dimension}).transpose(1, 2);
}

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
              const Config& config) {
  const std::int64_t n = q.size(0), t = q.size(1), dimension = config.head_dimension;
  const Tensor queries = rotate_heads(q, config.heads, rope);
  const Tensor keys = rotate_heads(k, config.key_value_heads, rope);
  const Tensor values = v.view({n, t, config.key_value_heads, dimension}).transpose(1, 2);
  const Tensor mixed = at::scaled_dot_product_attention(
      queries, keys, values, {}, 0.0, /*is_causal=*/true, std::nullopt,
      /*enable_gqa=*/config.heads != config.key_value_heads);
  return mixed.transpose(1, 2).reshape({n, t, config.heads * dimension});
}

Tensor rms_norm(const Tensor& x, const Tensor& gain, double epsilon) {
  return at::rms_norm(x, {x.size(-1)}, gain, epsilon);
}

} // namespace latticelens
