#include "lattice/row_strips.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <atomic>

namespace latticelens {
namespace {

RowStrip take(const Tensor& weights, std::int64_t first) {
  const std::int64_t n = weights.size(0), rows = weights.size(1);
  RowStrip strip{.first = first, .count = std::min(strip_width, rows - first)};
  strip.weights.resize(n * strip_width);
  fill_strip(weights, first, strip.count, strip.weights);
  strip.targets = strip.weights;
  strip.values.resize(n * strip_width);
  strip.errors.resize(n * strip_width);
  strip.steps.resize(n * strip_width);
  strip.costs.resize(strip_width);
  strip.squared_errors.resize(strip_width);
  return strip;
}

void put(const RowStrip& strip, BabaiResult& result) {
  const std::int64_t n = result.values.size(0), rows = result.values.size(1);
  float* values = result.values.mutable_data_ptr<float>() + strip.first;
  float* steps = result.steps.mutable_data_ptr<float>() + strip.first;
  for (std::int64_t i = 0; i < n; ++i) {
    std::copy_n(&strip.values[i * strip_width], strip.count, values + i * rows);
    std::copy_n(&strip.steps[i * strip_width], strip.count, steps + i * rows);
  }
  std::copy_n(strip.squared_errors.begin(), strip.count,
              result.errors.mutable_data_ptr<double>() + strip.first);
}

} // namespace

void fill_strip(const Tensor& x, std::int64_t first, std::int64_t count,
                std::vector<float>& strip) {
  const std::int64_t n = x.size(0), rows = x.size(1);
  const float* from = x.const_data_ptr<float>() + first;
  for (std::int64_t i = 0; i < n; ++i)
    std::copy_n(from + i * rows, count, &strip[i * strip_width]);
}

BabaiResult for_row_strips(const Tensor& given, const std::function<void(RowStrip&)>& solve) {
  const Tensor weights = given.contiguous();
  const std::int64_t rows = weights.size(1);
  BabaiResult result{at::empty_like(weights), at::empty_like(weights),
                     at::empty({rows}, at::kDouble)};
  std::atomic<std::int64_t> clipped = 0;
  at::parallel_for(0, (rows + strip_width - 1) / strip_width, 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t chunk = begin; chunk < end; ++chunk) {
                       RowStrip strip = take(weights, chunk * strip_width);
                       solve(strip);
                       put(strip, result);
                       clipped += strip.clipped;
                     }
                   });
  result.clipped = clipped;
  return result;
}

} // namespace latticelens
