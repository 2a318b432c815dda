#include "model/attention_gradient.h"

#include "kernels/softmax.h"
#include "model/attention_strips.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cmath>

namespace latticelens {
namespace {

using attention::Span;
using Strip = std::vector<float>;

/// One head of one sequence, all [t, dimension] without gaps but for the rows of `gradient`.
struct HeadGradient {
  const float *queries, *keys, *values, *gradient;
  std::int64_t gradient_stride;
  float *of_queries, *of_keys, *of_values;
  std::int64_t dimension;
  const float* sink; // or null
};

/// Rows [rows, depth] as strips of columns [depth / strip_width, rows, strip_width], times
/// `factor`: the other way round than strip_of.
Strip columns_of(const float* matrix, std::int64_t rows, std::int64_t depth, float factor,
                 std::int64_t stride) {
  Strip strips((depth + strip_width - 1) / strip_width * rows * strip_width);
  for (std::int64_t j = 0; j < rows; ++j)
    for (std::int64_t i = 0; i < depth; ++i)
      strips[(i / strip_width * rows + j) * strip_width + i % strip_width] =
          factor * matrix[j * stride + i];
  return strips;
}

/// to [keys, depth] += scores [keys, strip_width] times the strips [count, depth] of `columns`.
void add_mixed(std::int64_t keys, const Strip& scores, std::int64_t count, const Strip& columns,
               std::int64_t depth, float* to) {
  Strip product(keys * strip_width);
  for (std::int64_t first = 0; first < depth; first += strip_width) {
    std::fill(product.begin(), product.end(), 0.0f);
    add_product<float>(keys, count, {scores.data(), strip_width}, &columns[first * count],
                       product.data(), strip_width);
    const std::int64_t width = std::min(strip_width, depth - first);
    for (std::int64_t key = 0; key < keys; ++key)
      for (std::int64_t i = 0; i < width; ++i)
        to[key * depth + first + i] += product[key * strip_width + i];
  }
}

/// The shares [keys, strip_width] of the keys in each query's result.
Strip shares_of(const HeadGradient& head, const Span& span, std::int64_t window, float factor) {
  const std::int64_t d = head.dimension;
  const Strip queries =
      attention::strip_of(head.queries + span.first * d, span.count, d, factor, d);
  Strip shares((span.keys() + 1) * strip_width), sums(strip_width);
  attention::mask(span, window, shares.data());
  add_product<float>(span.keys(), d, {head.keys + span.low * d, d}, queries.data(), shares.data(),
                     strip_width);
  exponentials_of_columns(attention::with_sink(span.keys(), head.sink, shares.data()),
                          shares.data(), sums.data());
  shares.resize(span.keys() * strip_width);
  for (std::int64_t key = 0; key < span.keys(); ++key)
    for (std::int64_t j = 0; j < strip_width; ++j)
      shares[key * strip_width + j] /= sums[j];
  return shares;
}

/// From the gradient of the shares to that of the scores before the softmax.
void through_softmax(const Strip& shares, Strip& gradient) {
  Strip means(strip_width);
  for (std::size_t i = 0; i < shares.size(); ++i)
    means[i % strip_width] += shares[i] * gradient[i];
  for (std::size_t i = 0; i < shares.size(); ++i)
    gradient[i] = shares[i] * (gradient[i] - means[i % strip_width]);
}

void add_strip(const HeadGradient& head, const Span& span, std::int64_t window) {
  const std::int64_t d = head.dimension, keys = span.keys(), low = span.low * d;
  const float factor = 1 / std::sqrt(static_cast<float>(d));
  const float* outer = head.gradient + span.first * head.gradient_stride;
  const Strip shares = shares_of(head, span, window, factor),
              by_depth = attention::strip_of(outer, span.count, d, 1, head.gradient_stride);
  add_mixed(keys, shares, span.count, columns_of(outer, span.count, d, 1, head.gradient_stride), d,
            head.of_values + low);
  Strip scores(keys * strip_width), queries(d * strip_width);
  add_product<float>(keys, d, {head.values + low, d}, by_depth.data(), scores.data(), strip_width);
  through_softmax(shares, scores);
  add_mixed(keys, scores, span.count,
            columns_of(head.queries + span.first * d, span.count, d, factor, d), d,
            head.of_keys + low);
  add_product<float>(d, keys, {head.keys + low, 1, d}, scores.data(), queries.data(), strip_width);
  for (std::int64_t j = 0; j < span.count; ++j)
    for (std::int64_t i = 0; i < d; ++i)
      head.of_queries[(span.first + j) * d + i] = factor * queries[i * strip_width + j];
}

/// Sums over the heads that share keys and values: [n, heads, t, d] -> [n, shared, t, d].
Tensor summed(const Tensor& gradient, std::int64_t shared) {
  return gradient.unflatten(1, {shared, gradient.size(1) / shared}).sum(2);
}

} // namespace

Backward attention_gradient(const Tensor& queries, const Tensor& keys, const Tensor& values,
                            std::int64_t window, const Tensor& sinks) {
  return [queries = queries.detach(), keys = keys.detach(), values = values.detach(), window,
          sinks = sinks.defined() ? sinks.contiguous() : sinks](const Tensor& gradient) {
    const std::int64_t n = queries.size(0), heads = queries.size(1), t = queries.size(2),
                       d = queries.size(3), shared = keys.size(1);
    const Tensor outer = gradient.contiguous();
    Tensor of_queries = at::zeros({n, heads, t, d}, at::kFloat),
           of_keys = at::zeros_like(of_queries), of_values = at::zeros_like(of_queries);
    const auto at_head = [&](const Tensor& x, std::int64_t head) {
      return x.const_data_ptr<float>() + head * t * d;
    };
    const auto sums_at_head = [&](const Tensor& x, std::int64_t head) {
      return x.mutable_data_ptr<float>() + head * t * d;
    };
    at::parallel_for(0, n * heads, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t head = begin; head < end; ++head) {
        const std::int64_t of_shared = head / (heads / shared);
        const HeadGradient task{
            at_head(queries, head),
            at_head(keys, of_shared),
            at_head(values, of_shared),
            outer.const_data_ptr<float>() + (head / heads * t * heads + head % heads) * d,
            heads * d,
            sums_at_head(of_queries, head),
            sums_at_head(of_keys, head),
            sums_at_head(of_values, head),
            d,
            sinks.defined() ? sinks.const_data_ptr<float>() + head % heads : nullptr};
        for (std::int64_t first = 0; first < t; first += strip_width)
          add_strip(task, attention::span_of(first, t, window), window);
      }
    });
    return std::vector<Tensor>{of_queries, summed(of_keys, shared), summed(of_values, shared)};
  };
}

} // namespace latticelens
