#include "formats/format.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <atomic>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::int64_t values_per_task = 1 << 14;

std::vector<std::int64_t> scale_shape(const Tensor& x, std::int64_t block) {
  std::vector<std::int64_t> shape = x.sizes().vec();
  require(!shape.empty() && shape.back() % block == 0, "format",
          "rows of " + std::to_string(shape.empty() ? 0 : shape.back()) +
              " values are no multiple of the block of " + std::to_string(block) +
              "; choose a format with a block that divides them");
  shape.back() /= block;
  return shape;
}

/// Runs `work(first value, count)` on chunks of whole blocks, in parallel; sums the counts.
template<typename Work>
SnapCounts for_blocks(std::int64_t values, std::int64_t block, const Work& work) {
  std::atomic<std::int64_t> clipped = 0, not_finite = 0;
  const std::int64_t grain = std::max<std::int64_t>(1, values_per_task / block);
  at::parallel_for(0, values / block, grain, [&](std::int64_t begin, std::int64_t end) {
    const SnapCounts counts = work(begin, end);
    clipped += counts.clipped;
    not_finite += counts.not_finite;
  });
  return {clipped, not_finite};
}

} // namespace

Tensor Format::fit(const Tensor& x) const {
  const Tensor values = x.to(at::kFloat).contiguous();
  Tensor scales = at::empty(scale_shape(x, block), values.options());
  const float* from = values.const_data_ptr<float>();
  float* to = scales.mutable_data_ptr<float>();
  for_blocks(values.numel(), block, [&](std::int64_t begin, std::int64_t end) {
    const auto blocks = static_cast<std::size_t>(end - begin);
    fit_blocks({from + begin * block, blocks * block}, block, rule, grid, {to + begin, blocks});
    return SnapCounts{};
  });
  return scales;
}

Tensor Format::snap(const Tensor& x, const Tensor& scales, SnapCounts& counts) const {
  require(scales.sizes().vec() == scale_shape(x, block), "format",
          "scales and values have different shapes");
  Tensor values = x.to(at::kFloat).clone(at::MemoryFormat::Contiguous);
  const Tensor steps = scales.contiguous();
  float* data = values.mutable_data_ptr<float>();
  const float* from = steps.const_data_ptr<float>();
  counts += for_blocks(values.numel(), block, [&](std::int64_t begin, std::int64_t end) {
    const auto blocks = static_cast<std::size_t>(end - begin);
    return snap_blocks({data + begin * block, blocks * block}, block, {from + begin, blocks}, grid);
  });
  return values;
}

float Format::candidate_scale(float fitted, int candidate) const {
  const int distance = (candidate + 1) / 2, exponent = candidate % 2 ? distance : -distance;
  return std::clamp(std::ldexp(fitted, exponent), std::ldexp(1.0f, -127), std::ldexp(1.0f, 127));
}

Tensor Format::quantize(const Tensor& x, SnapCounts& counts) const {
  scale_shape(x, block);
  Tensor values = x.to(at::kFloat).clone(at::MemoryFormat::Contiguous);
  float* data = values.mutable_data_ptr<float>();
  counts += for_blocks(values.numel(), block, [&](std::int64_t begin, std::int64_t end) {
    return quantize_blocks({data + begin * block, static_cast<std::size_t>((end - begin) * block)},
                           block, rule, grid);
  });
  return values;
}

} // namespace latticelens
