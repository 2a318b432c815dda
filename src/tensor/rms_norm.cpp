#include "tensor/rms_norm.h"

#include "tensor/device.h"
#include "tensor/gradient.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::int64_t lanes = 16; // sums side by side, for vectors and for precision

double sum_of_squares(const float* x, std::int64_t width) {
  float sums[lanes] = {};
  std::int64_t i = 0;
  for (; i + lanes <= width; i += lanes)
    for (std::int64_t j = 0; j < lanes; ++j)
      sums[j] += x[i + j] * x[i + j];
  double sum = 0;
  for (; i < width; ++i)
    sum += double{x[i]} * x[i];
  for (const float part : sums)
    sum += part;
  return sum;
}

/// `to` does not overlap the rest.
void scale_row(const float* x, const float* gain, float factor, std::int64_t width,
               float* __restrict to) {
  std::int64_t i = 0;
  for (; i + lanes <= width; i += lanes)
    for (std::int64_t j = i; j < i + lanes; ++j)
      to[j] = x[j] * factor * gain[j];
  for (; i < width; ++i)
    to[i] = x[i] * factor * gain[i];
}

} // namespace

Tensor rms_norm(const Tensor& x, const Tensor& gain, double epsilon) {
  if (!has_kernels(x) || wants_gradient({x, gain}))
    return reference::rms_norm(x, gain, epsilon);
  const std::int64_t width = x.size(-1), rows = x.numel() / std::max<std::int64_t>(width, 1);
  const Tensor from = x.to(at::kFloat).contiguous(), gains = gain.to(at::kFloat).contiguous();
  Tensor to = at::empty(x.sizes(), at::kFloat);
  const float *values = from.const_data_ptr<float>(), *gain_values = gains.const_data_ptr<float>();
  float* scaled = to.mutable_data_ptr<float>();
  at::parallel_for(0, rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float* row = values + i * width;
      const double mean = sum_of_squares(row, width) / static_cast<double>(width);
      scale_row(row, gain_values, static_cast<float>(1 / std::sqrt(mean + epsilon)), width,
                scaled + i * width);
    }
  });
  return to;
}

namespace reference {

Tensor rms_norm(const Tensor& x, const Tensor& gain, double epsilon) {
  return at::rms_norm(x, {x.size(-1)}, gain, epsilon);
}

} // namespace reference
} // namespace latticelens
