// What attention and its gradient share: 96 queries are the columns of a strip.
#pragma once
#include "kernels/product.h"
#include <algorithm>
#include <limits>
#include <vector>

namespace latticelens::attention {

/// Rows of a matrix [rows, depth], `stride` apart, as a strip [depth, strip_width], times `factor`.
inline std::vector<float> strip_of(const float* matrix, std::int64_t rows, std::int64_t depth,
                                   float factor, std::int64_t stride) {
  std::vector<float> strip(depth * strip_width);
  for (std::int64_t k = 0; k < depth; ++k)
    for (std::int64_t j = 0; j < rows; ++j)
      strip[k * strip_width + j] = factor * matrix[j * stride + k];
  return strip;
}

/// The queries [first, first + count) of one head and the keys [low, first + count) that they see.
struct Span {
  std::int64_t first, count, low;
  std::int64_t keys() const { return first + count - low; }
};

/// The strip of `t` queries that begins at `first`; window as in `attend`.
inline Span span_of(std::int64_t first, std::int64_t t, std::int64_t window) {
  return {first, std::min(strip_width, t - first),
          window > 0 ? std::max<std::int64_t>(0, first - window + 1) : 0};
}

/// `scores` [keys, strip_width] before the product: query first + j sees the keys up to itself, the
/// last `window` of them (0: all).
inline void mask(const Span& span, std::int64_t window, float* scores) {
  constexpr float hidden = -std::numeric_limits<float>::infinity();
  const std::int64_t last = span.first + span.count;
  std::fill_n(scores, (last - span.low) * strip_width, 0.0f);
  for (std::int64_t key = span.low; key < last; ++key) {
    float* row = scores + (key - span.low) * strip_width;
    if (key > span.first)
      std::fill_n(row, key - span.first, hidden);
    const std::int64_t blind = window > 0 ? key + window - span.first : span.count;
    for (std::int64_t j = std::max<std::int64_t>(blind, 0); j < span.count; ++j)
      row[j] = hidden;
  }
}

/// The rows of `scores` for the softmax: the keys', and one more with the sink, if there is one,
/// for which there is room.
inline std::int64_t with_sink(std::int64_t keys, const float* sink, float* scores) {
  if (!sink)
    return keys;
  std::fill_n(scores + keys * strip_width, strip_width, *sink);
  return keys + 1;
}

} // namespace latticelens::attention
