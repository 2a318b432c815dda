#include "bench/plain_gptq.h"

#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// A column [out] to the nearest E2M1 value with elementwise tensor operations, as the published
/// simulators of the format do it: private exponent by log2, mantissa rounded half away from zero,
/// saturated (quantization-peers.md §1.2).
Tensor nearest_level(const Tensor& scaled) {
  const Tensor exponent = at::clamp_min(at::floor(at::log2(at::abs(scaled) + 1e-30)), 0);
  const Tensor step = at::exp2(exponent - 1);
  const Tensor mantissa = scaled / step;
  const Tensor rounded = at::sign(mantissa) * at::floor(at::abs(mantissa) + 0.5);
  return at::clamp(rounded * step, -6, 6);
}

} // namespace

/// The published loop: inverse by Cholesky, blocks of 128, one column at a time, group scales from
/// the stale matrix.
Tensor plain_gptq(const Tensor& weight, const Tensor& gram, const Format& format) {
  const std::int64_t n = weight.size(1);
  Tensor w = weight.clone(), values = at::zeros_like(weight), losses = at::zeros_like(weight),
         h = gram.to(at::kFloat).clone();
  h.diagonal().add_(0.01 * h.diagonal().mean());
  const Tensor inverse = at::cholesky_inverse(at::linalg_cholesky(h));
  const Tensor upper = at::linalg_cholesky(inverse).t().contiguous();
  Tensor scale;
  for (std::int64_t first = 0; first < n; first += 128) {
    const std::int64_t last = std::min(first + 128, n), count = last - first;
    Tensor block = w.slice(1, first, last).clone(), errors = at::zeros_like(block);
    const Tensor triangle = upper.slice(0, first, last).slice(1, first, last);
    for (std::int64_t i = 0; i < count; ++i) {
      if (i % format.block == 0)
        scale = format.fit(w.slice(1, first + i, first + i + format.block).contiguous()).squeeze(1);
      const Tensor column = block.select(1, i), rounded = nearest_level(column / scale) * scale;
      values.select(1, first + i).copy_(rounded);
      const Tensor error = (column - rounded) / triangle[i][i];
      losses.select(1, first + i).copy_((column - rounded).square() / triangle[i][i].square() / 2);
      block.slice(1, i).sub_(error.unsqueeze(1).matmul(triangle[i].slice(0, i).unsqueeze(0)));
      errors.select(1, i).copy_(error);
    }
    w.slice(1, last).sub_(errors.matmul(upper.slice(0, first, last).slice(1, last)));
  }
  return values;
}

} // namespace latticelens
