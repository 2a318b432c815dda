#include "model/attention.h"

#include "kernels/product.h"
#include "kernels/softmax.h"
#include "model/attention_gradient.h"
#include "model/attention_strips.h"
#include "model/shared_rows.h"
#include "tensor/gradient.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cmath>
#include <memory>

namespace latticelens {

Rope make_rope(const Config& config, std::int64_t tokens) {
  const std::vector<double> frequencies = rope_frequencies(config, tokens);
  const Tensor positions = at::arange(tokens, at::kDouble).unsqueeze(1);
  const Tensor angles = positions * at::tensor(frequencies, at::kDouble).unsqueeze(0);
  const double amplitude = config.long_rope.amplitude;
  return {(angles.cos() * amplitude).to(at::kFloat), (angles.sin() * amplitude).to(at::kFloat)};
}

Tensor rotate_heads(const Tensor& x, std::int64_t heads, const Rope& rope) {
  const std::int64_t n = x.size(0), t = x.size(1), dimension = x.size(2) / heads,
                     pairs = rope.cosine.size(1);
  const Tensor split = x.reshape({n, t, heads, dimension}).transpose(1, 2);
  const Tensor first = split.slice(3, 0, pairs), second = split.slice(3, pairs, 2 * pairs);
  const Tensor cosine = rope.cosine.slice(0, 0, t), sine = rope.sine.slice(0, 0, t);
  Tensor rotated = at::empty({n, heads, t, dimension}, x.options());
  Tensor left = rotated.slice(3, 0, pairs), right = rotated.slice(3, pairs, 2 * pairs);
  at::mul_out(left, first, cosine).addcmul_(second, sine, -1);
  at::mul_out(right, second, cosine).addcmul_(first, sine);
  rotated.slice(3, 2 * pairs).copy_(split.slice(3, 2 * pairs));
  return rotated;
}

namespace {

/// One head of one sequence: [t, dimension] without gaps, and where its result goes.
struct Head {
  const float *queries, *keys, *values;
  float* out;
  std::int64_t out_stride;
};

/// Each row of a strip by the same numbers: along the strip, where the compiler has vectors.
void divide_rows(std::int64_t rows, const float* by, float* strip) {
  float divisors[strip_width], row[strip_width];
  std::copy_n(by, strip_width, divisors);
  for (std::int64_t i = 0; i < rows; ++i, strip += strip_width) {
    std::copy_n(strip, strip_width, row);
    for (std::int64_t j = 0; j < strip_width; ++j)
      row[j] /= divisors[j];
    std::copy_n(row, strip_width, strip);
  }
}

/// The queries as columns of a strip: scores, softmax and result are strips too, so both products
/// are the kernel's.
void attend_strip(const Head& head, const attention::Span& span, std::int64_t dimension,
                  std::int64_t window) {
  const std::int64_t keys = span.keys(), offset = span.low * dimension;
  const auto queries =
      attention::strip_of(head.queries + span.first * dimension, span.count, dimension,
                          1 / std::sqrt(static_cast<float>(dimension)), dimension);
  const auto scores = std::make_unique_for_overwrite<float[]>(keys * strip_width);
  float sums[strip_width];
  std::vector<float> mixed(dimension * strip_width);
  attention::mask(span, window, scores.get());
  add_product<float>(keys, dimension, {head.keys + offset, dimension}, queries.data(), scores.get(),
                     strip_width);
  exponentials_of_columns(keys, scores.get(), sums);
  add_product<float>(dimension, keys, {head.values + offset, 1, dimension}, scores.get(),
                     mixed.data(), strip_width);
  divide_rows(dimension, sums, mixed.data());
  for (std::int64_t j = 0; j < span.count; ++j)
    for (std::int64_t i = 0; i < dimension; ++i)
      head.out[(span.first + j) * head.out_stride + i] = mixed[i * strip_width + j];
}

} // namespace

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
              const Config& config, std::int64_t window) {
  if (!rope.sequences.empty())
    return attend_sequences(q, k, v, rope, config, window);
  if (wants_gradient({q, k, v}))
    return with_gradient(attend(q.detach(), k.detach(), v.detach(), rope, config, window),
                         {q, k, v}, attention_gradient(q, k, v, rope, config, window));
  const std::int64_t n = q.size(0), t = q.size(1), dimension = config.head_dimension,
                     heads = config.heads, group = heads / config.key_value_heads,
                     strips = (t + strip_width - 1) / strip_width;
  const Tensor queries = rotate_heads(q, heads, rope),
               keys = rotate_heads(k, config.key_value_heads, rope),
               values = v.reshape({n, t, -1, dimension}).transpose(1, 2).contiguous();
  Tensor mixed = at::empty({n, t, heads * dimension}, q.options());
  const float *from_q = queries.const_data_ptr<float>(), *from_k = keys.const_data_ptr<float>(),
              *from_v = values.const_data_ptr<float>();
  float* to = mixed.mutable_data_ptr<float>();
  at::parallel_for(0, n * heads * strips, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t head = task / strips, sequence = head / heads,
                         shared = head / group * t * dimension, first = task % strips * strip_width;
      attend_strip({from_q + head * t * dimension, from_k + shared, from_v + shared,
                    to + (sequence * t * heads + head % heads) * dimension, heads * dimension},
                   attention::span_of(first, t, window), dimension, window);
    }
  });
  return mixed;
}

namespace reference {

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
              const Config& config, std::int64_t window) {
  const std::int64_t n = q.size(0), t = q.size(1), dimension = config.head_dimension;
  const Tensor queries = rotate_heads(q, config.heads, rope);
  const Tensor keys = rotate_heads(k, config.key_value_heads, rope);
  const Tensor values = v.reshape({n, t, config.key_value_heads, dimension}).transpose(1, 2);
  const Tensor ones = at::ones({t, t}, at::kBool);
  const Tensor seen = window > 0 ? ones.tril().logical_and(ones.triu(1 - window)) : ones.tril();
  const Tensor mixed = at::scaled_dot_product_attention(
      queries, keys, values, seen, 0.0, /*is_causal=*/false, std::nullopt,
      /*enable_gqa=*/config.heads != config.key_value_heads);
  return mixed.transpose(1, 2).reshape({n, t, config.heads * dimension});
}

} // namespace reference

} // namespace latticelens
