#include "formats/format.h"

#include "core/error.h"
#include "formats/block_frame.h"
#include "formats/quantize_reference.h"
#include "formats/table.h"
#include "kernels/best_paths.h"
#include "tensor/device.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <span>

namespace latticelens {
namespace {

constexpr std::int64_t values_per_task = 1 << 14;
constexpr std::int64_t values_per_piece = 1 << 12; // that fit into the first-level cache

std::int64_t block_of(const Format& format, const Tensor& x) {
  return format.block > 0 || x.dim() == 0 ? format.block : x.size(-1);
}

std::vector<std::int64_t> scale_shape(const Tensor& x, std::int64_t block) {
  std::vector<std::int64_t> shape = x.sizes().vec();
  require(block > 0 && !shape.empty() && shape.back() % block == 0, "format",
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

float largest_magnitude(const float* values, std::int64_t count) {
  float largest = 0;
  for (std::int64_t i = 0; i < count; ++i)
    largest = std::max(largest, std::fabs(values[i]));
  return largest;
}

} // namespace

Format Format::on(const Tensor& weight, const Tensor& importance) const {
  if (coded)
    return frame ? *this : framed(*this, weight, importance);
  Format format = *this;
  format.block = block_of(*this, weight);
  if (rule.tensor_maximum > 0 && rule.tensor_scale == 0) {
    const Tensor values = weight.to(at::kFloat).contiguous();
    require(at::isfinite(values).all().item<bool>(), "format", "a weight holds NaN or infinity");
    format.rule.tensor_scale =
        second_scale(largest_magnitude(values.const_data_ptr<float>(), values.numel()));
  }
  return format;
}

Format Format::of_rows(std::int64_t first, std::int64_t last) const {
  Format format = *this;
  if (frame)
    format.frame =
        std::make_shared<BlockFrame>(BlockFrame{frame->scales.slice(0, first, last).contiguous(),
                                                frame->offsets.slice(0, first, last).contiguous(),
                                                frame->bytes.slice(0, first, last).contiguous()});
  return format;
}

Tensor Format::without_offsets(const Tensor& x) const {
  return frame ? x - frame->offsets.repeat_interleave(block, 1) : x;
}

Tensor Format::with_offsets(const Tensor& x) const {
  if (!frame)
    return x;
  const Tensor offsets = frame->offsets.repeat_interleave(block, 1);
  return at::where((frame->scales == 0).repeat_interleave(block, 1), offsets, x + offsets);
}

float Format::second_scale(float largest) const {
  constexpr float most = 0x1p100f; // keeps the scales of tiny tensors finite
  if (largest == 0 || !std::isfinite(largest))
    return 1;
  float scale = std::min(most, rule.tensor_maximum * static_cast<float>(grid.maximum) / largest);
  constexpr int tries = 8; // one is enough but for rare numbers
  for (int i = 0; i < tries && 1 / (1 / scale) != scale; ++i)
    scale = 1 / (1 / scale);
  return scale;
}

bool Format::has_calibrated_scale() const {
  return rule.tensor_maximum > 0 && !scale_of_token;
}

int Format::code_bits() const {
  return static_cast<int>(std::ceil(std::log2(static_cast<double>(levels_of(grid).levels.size()))));
}

ScaleType Format::scale_type() const {
  if (!rule.scale_grid)
    return ScaleType::e8m0;
  const int bits = rule.scale_grid->mantissa_bits;
  return bits == e4m3_scales.mantissa_bits   ? ScaleType::e4m3
         : bits == fp16_scales.mantissa_bits ? ScaleType::fp16
                                             : ScaleType::fp32;
}

double Format::bits() const {
  if (coded)
    return bits_of(*coded);
  const ScaleType type = scale_type();
  const double scale_bits = type == ScaleType::fp32 ? 32 : type == ScaleType::fp16 ? 16 : 8;
  return code_bits() + (block > 0 ? scale_bits / static_cast<double>(block) : 0);
}

Tensor Format::fit(const Tensor& x) const {
  const Format format = on(x);
  if (format.frame) { // a scale of zero: any step, the value is the offset
    constexpr double any = 0x1p-100;
    return at::where(format.frame->scales == 0, any, format.frame->scales);
  }
  const Tensor values = x.to(at::kFloat).contiguous();
  Tensor scales = at::empty(scale_shape(x, format.block), values.options());
  const float* from = values.const_data_ptr<float>();
  float* to = scales.mutable_data_ptr<float>();
  for_blocks(values.numel(), format.block, [&](std::int64_t begin, std::int64_t end) {
    const auto blocks = static_cast<std::size_t>(end - begin);
    fit_blocks({from + begin * format.block, blocks * format.block}, format.block, format.rule,
               grid, {to + begin, blocks});
    return SnapCounts{};
  });
  return scales;
}

Tensor Format::snap(const Tensor& x, const Tensor& scales, SnapCounts& counts) const {
  const std::int64_t together = block_of(*this, x);
  require(scales.sizes().vec() == scale_shape(x, together), "format",
          "scales and values have different shapes");
  Tensor values = without_offsets(x.to(at::kFloat)).clone(at::MemoryFormat::Contiguous);
  const Tensor steps = (frame ? fit(x) : scales).contiguous();
  float* data = values.mutable_data_ptr<float>();
  const float* from = steps.const_data_ptr<float>();
  counts += for_blocks(values.numel(), together, [&](std::int64_t begin, std::int64_t end) {
    const auto blocks = static_cast<std::size_t>(end - begin);
    return snap_blocks({data + begin * together, blocks * together}, together,
                       {from + begin, blocks}, grid);
  });
  return with_offsets(values);
}

float Format::candidate_scale(float fitted, int candidate) const {
  const int distance = (candidate + 1) / 2, steps = candidate % 2 ? distance : -distance;
  if (!rule.scale_grid)
    return nearest_scale(std::ldexp(fitted, steps), rule);
  const float step = scale_type() == ScaleType::e4m3 ? 1.0f / 8 : 1.0f / 16;
  return nearest_scale(fitted * (1 + static_cast<float>(steps) * step), rule);
}

Tensor Format::quantize(const Tensor& x, SnapCounts& counts) const {
  const std::int64_t together = block_of(*this, x), row = x.size(-1);
  scale_shape(x, together);
  if (!has_kernels(x))
    return reference::quantize(*this, x, counts);
  const Tensor source = x.to(at::kFloat).contiguous();
  Tensor values = at::empty_like(source);
  const float* from = source.const_data_ptr<float>();
  float* data = values.mutable_data_ptr<float>();
  // Copied a piece at a time and quantized in the cache: memory is read once and written once.
  const auto piece = [&](std::int64_t first, std::int64_t count) {
    std::copy_n(from + first, count, data + first);
    return std::span(data + first, static_cast<std::size_t>(count));
  };
  if (asymmetric_activations)
    counts += for_blocks(values.numel(), row, [&](std::int64_t begin, std::int64_t end) {
      SnapCounts seen;
      for (std::int64_t i = begin; i < end; ++i)
        seen += quantize_rows_asymmetric(piece(i * row, row), row, (1 << code_bits()) - 1);
      return seen;
    });
  else if (rule.tensor_maximum > 0 && rule.tensor_scale == 0)
    counts += for_blocks(values.numel(), row, [&](std::int64_t begin, std::int64_t end) {
      SnapCounts seen;
      for (std::int64_t i = begin; i < end; ++i) {
        ScaleRule of_row = rule;
        of_row.tensor_scale = second_scale(largest_magnitude(from + i * row, row));
        seen += quantize_blocks(piece(i * row, row), together, of_row, grid);
      }
      return seen;
    });
  else
    counts += for_blocks(values.numel(), together, [&](std::int64_t begin, std::int64_t end) {
      SnapCounts seen;
      const std::int64_t blocks = std::max<std::int64_t>(1, values_per_piece / together);
      for (std::int64_t i = begin; i < end; i += blocks)
        seen += quantize_blocks(piece(i * together, std::min(blocks, end - i) * together), together,
                                rule, grid);
      return seen;
    });
  return values;
}

} // namespace latticelens
