#include "model/attention.h"

#include "kernels/product.h"
#include "kernels/softmax.h"
#include "model/attention_gradient.h"
#include "model/attention_strips.h"
#include "model/cached_attention.h"
#include "model/key_value_cache.h"
#include "model/shared_rows.h"
#include "tensor/gradient.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cmath>
#include <memory>

namespace latticelens {

Rope make_rope(const Config& config, std::int64_t tokens, Device device) {
  const std::vector<double> frequencies = rope_frequencies(config, tokens);
  const Tensor positions = at::arange(tokens, at::kDouble).unsqueeze(1);
  const Tensor angles = positions * at::tensor(frequencies, at::kDouble).unsqueeze(0);
  const double amplitude = config.long_rope.amplitude;
  const auto placed = [&](const Tensor& table) {
    return (table * amplitude).to(at::kFloat).to(device);
  };
  return {placed(angles.cos()), placed(angles.sin())};
}

namespace {

/// x [n, t, heads * dimension] -> [n, heads, t, dimension], a view.
Tensor by_heads(const Tensor& x, std::int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

/// Tables [t, pairs] by which the two halves of a head's vectors are turned.
struct Turns {
  const float *cosine, *sine;
  std::int64_t pairs;

  template<int Count>
  void some(std::int64_t place, const float* x, float* __restrict to) const {
    const float *c = cosine + place, *s = sine + place, *y = x + pairs;
    for (int i = 0; i < Count; ++i)
      to[i] = x[i] * c[i] - y[i] * s[i];
    for (int i = 0; i < Count; ++i)
      to[pairs + i] = y[i] * c[i] + x[i] * s[i];
  }

  /// x [d] of one token; what lies behind the pairs stays as it is.
  void turn(std::int64_t token, const float* x, std::int64_t d, float* to) const {
    constexpr int together = 8; // as many as the compiler makes vectors of
    std::int64_t j = 0;
    for (; j + together <= pairs; j += together)
      some<together>(token * pairs + j, x + j, to + j);
    for (; j < pairs; ++j)
      some<1>(token * pairs + j, x + j, to + j);
    std::copy(x + 2 * pairs, x + d, to + 2 * pairs);
  }
};

/// The gradient [n, heads, t, dimension] of rotate_heads, back to that of its input.
Tensor rotated_back(const Tensor& gradient, const Rope& rope) {
  const std::int64_t heads = gradient.size(1);
  const auto side_by_side = [](const Tensor& x) { return x.transpose(1, 2).flatten(2); };
  return side_by_side(
      rotate_heads(side_by_side(gradient), heads, {.cosine = rope.cosine, .sine = -rope.sine}));
}

} // namespace

Tensor rotate_heads(const Tensor& x, std::int64_t heads, const Rope& rope) {
  if (wants_gradient({x}))
    return with_gradient(rotate_heads(x.detach(), heads, rope), {x},
                         [rope](const Tensor& gradient) {
                           return std::vector<Tensor>{rotated_back(gradient, rope)};
                         });
  if (!has_kernels(x))
    return reference::rotate_heads(x, heads, rope);
  const std::int64_t n = x.size(0), t = x.size(1), d = x.size(2) / heads;
  const Tensor from = x.contiguous(), cosine = rope.cosine.contiguous(),
               sine = rope.sine.contiguous();
  Tensor rotated = at::empty({n, heads, t, d}, x.options());
  const Turns turns{cosine.const_data_ptr<float>(), sine.const_data_ptr<float>(), cosine.size(1)};
  const float* rows = from.const_data_ptr<float>();
  float* to = rotated.mutable_data_ptr<float>();
  at::parallel_for(0, n * heads, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t token = 0; token < t; ++token)
        turns.turn(token, rows + ((i / heads * t + token) * heads + i % heads) * d, d,
                   to + (i * t + token) * d);
  });
  return rotated;
}

namespace {

/// One head of one sequence: [t, dimension] without gaps, and where its result goes.
struct Head {
  const float *queries, *keys, *values;
  float* out;
  std::int64_t out_stride;
  const float* sink; // or null
};

/// Each row of a strip by the same numbers: along the strip, where the compiler has vectors.
void divide_rows(std::int64_t rows, const float* __restrict by, float* __restrict strip) {
  for (std::int64_t i = 0; i < rows; ++i, strip += strip_width)
    for (std::int64_t j = 0; j < strip_width; ++j)
      strip[j] /= by[j];
}

/// The queries as columns of a strip: scores, softmax and result are strips too, so both products
/// are the kernel's.
void attend_strip(const Head& head, const attention::Span& span, std::int64_t dimension,
                  std::int64_t window) {
  const std::int64_t keys = span.keys(), offset = span.low * dimension;
  const auto queries =
      attention::strip_of(head.queries + span.first * dimension, span.count, dimension,
                          1 / std::sqrt(static_cast<float>(dimension)), dimension);
  const auto scores = std::make_unique_for_overwrite<float[]>((keys + 1) * strip_width);
  float sums[strip_width];
  std::vector<float> mixed(dimension * strip_width);
  attention::mask(span, window, scores.get());
  add_product<float>(keys, dimension, {head.keys + offset, dimension}, queries.data(), scores.get(),
                     strip_width);
  exponentials_of_columns(attention::with_sink(keys, head.sink, scores.get()), scores.get(), sums);
  add_product<float>(dimension, keys, {head.values + offset, 1, dimension}, scores.get(),
                     mixed.data(), strip_width);
  divide_rows(dimension, sums, mixed.data());
  for (std::int64_t j = 0; j < span.count; ++j)
    for (std::int64_t i = 0; i < dimension; ++i)
      head.out[(span.first + j) * head.out_stride + i] = mixed[i * strip_width + j];
}

/// queries [n, heads, t, d], keys and values [n, shared heads, t, d] -> [n, t, heads * d].
Tensor attend_heads(const Tensor& queries, const Tensor& keys, const Tensor& values,
                    std::int64_t window, const Tensor& sinks) {
  if (wants_gradient({queries, keys, values}))
    return with_gradient(
        attend_heads(queries.detach(), keys.detach(), values.detach(), window, sinks),
        {queries, keys, values}, attention_gradient(queries, keys, values, window, sinks));
  if (!has_kernels(queries))
    return attend_past(queries, keys, values, window, sinks); // which all lies in
  const std::int64_t n = queries.size(0), heads = queries.size(1), t = queries.size(2),
                     dimension = queries.size(3), group = heads / keys.size(1),
                     strips = (t + strip_width - 1) / strip_width;
  Tensor mixed = at::empty({n, t, heads * dimension}, queries.options());
  const float *from_q = queries.const_data_ptr<float>(), *from_k = keys.const_data_ptr<float>(),
              *from_v = values.const_data_ptr<float>();
  float* to = mixed.mutable_data_ptr<float>();
  const Tensor of_heads = sinks.defined() ? sinks.contiguous() : sinks;
  const float* sink = sinks.defined() ? of_heads.const_data_ptr<float>() : nullptr;
  at::parallel_for(0, n * heads * strips, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t head = task / strips, sequence = head / heads,
                         shared = head / group * t * dimension, first = task % strips * strip_width;
      attend_strip({from_q + head * t * dimension, from_k + shared, from_v + shared,
                    to + (sequence * t * heads + head % heads) * dimension, heads * dimension,
                    sink ? sink + head % heads : nullptr},
                   attention::span_of(first, t, window), dimension, window);
    }
  });
  return mixed;
}

/// Without gaps.
Tensor through(const HeadFunction& function, const Tensor& x) {
  return (function ? function(x) : x).contiguous();
}

/// Of x's tokens alone.
struct HeadVectors {
  Tensor queries, keys, values;
};

HeadVectors head_vectors(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
                         const Config& config, const HeadFunctions& functions) {
  return {through(functions.queries, rotate_heads(q, config.heads, rope)),
          through(functions.keys, rotate_heads(k, config.key_value_heads, rope)),
          through(functions.values, by_heads(v, config.key_value_heads))};
}

/// With the tokens before in the cache, at positions behind them.
Tensor attend_cached(const Block& block, const Tensor& q, const Tensor& k, const Tensor& v,
                     const Rope& rope, const Config& config) {
  KeyValueCache& cache = *rope.cache;
  const std::int64_t before = cache.tokens(), window = window_of(config, block.layer);
  const Rope here{rope.cosine.slice(0, before), rope.sine.slice(0, before)};
  const HeadVectors fresh = head_vectors(q, k, v, here, config, block.heads);
  const auto [keys, values] = cache.append(block.layer, fresh.keys, fresh.values);
  return before == 0 ? attend_heads(fresh.queries, fresh.keys, fresh.values, window, block.sinks)
                     : attend_past(fresh.queries, keys, values, window, block.sinks);
}

} // namespace

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
              const Config& config, std::int64_t window, const HeadFunctions& functions,
              const Tensor& sinks) {
  if (!rope.sequences.empty())
    return attend_sequences(q, k, v, rope, config, window, functions, sinks);
  const HeadVectors all = head_vectors(q, k, v, rope, config, functions);
  return attend_heads(all.queries, all.keys, all.values, window, sinks);
}

Tensor attend(const Block& block, const Tensor& q, const Tensor& k, const Tensor& v,
              const Rope& rope, const Config& config) {
  if (rope.cache)
    return attend_cached(block, q, k, v, rope, config);
  return attend(q, k, v, rope, config, window_of(config, block.layer), block.heads, block.sinks);
}

namespace reference {

Tensor rotate_heads(const Tensor& x, std::int64_t heads, const Rope& rope) {
  const Tensor of_heads = by_heads(x, heads);
  const std::int64_t pairs = rope.cosine.size(1), t = x.size(1);
  const Tensor cosine = rope.cosine.slice(0, 0, t), sine = rope.sine.slice(0, 0, t),
               first = of_heads.slice(3, 0, pairs), second = of_heads.slice(3, pairs, 2 * pairs);
  return at::cat({first * cosine - second * sine, second * cosine + first * sine,
                  of_heads.slice(3, 2 * pairs)},
                 -1);
}

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
              const Config& config, std::int64_t window, const Tensor& sinks) {
  const std::int64_t n = q.size(0), t = q.size(1), dimension = config.head_dimension;
  const Tensor queries = reference::rotate_heads(q, config.heads, rope);
  const Tensor keys = reference::rotate_heads(k, config.key_value_heads, rope);
  const Tensor values = v.reshape({n, t, config.key_value_heads, dimension}).transpose(1, 2);
  const Tensor ones = at::ones({t, t}, at::kBool);
  const Tensor seen = window > 0 ? ones.tril().logical_and(ones.triu(1 - window)) : ones.tril();
  if (sinks.defined()) {
    const std::int64_t group = config.heads / config.key_value_heads;
    const Tensor scores = at::matmul(queries, keys.repeat_interleave(group, 1).transpose(2, 3)) /
                          std::sqrt(static_cast<double>(dimension));
    const Tensor all = at::cat(
        {scores.masked_fill(~seen, -INFINITY), sinks.view({1, -1, 1, 1}).expand({n, -1, t, 1})},
        -1);
    return at::matmul(all.softmax(-1).slice(-1, 0, t), values.repeat_interleave(group, 1))
        .transpose(1, 2)
        .reshape({n, t, config.heads * dimension});
  }
  const Tensor mixed = at::scaled_dot_product_attention(
      queries, keys, values, seen, 0.0, /*is_causal=*/false, std::nullopt,
      /*enable_gqa=*/config.heads != config.key_value_heads);
  return mixed.transpose(1, 2).reshape({n, t, config.heads * dimension});
}

} // namespace reference

} // namespace latticelens
