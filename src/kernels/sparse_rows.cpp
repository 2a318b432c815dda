#include "kernels/sparse_rows.h"

#include <algorithm>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_rows.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE float dot_of(const float* HWY_RESTRICT x, const float* HWY_RESTRICT y,
                        std::size_t count) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = hn::Zero(d), c = hn::Zero(d), e = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    a = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), a);
    b = hn::MulAdd(hn::LoadU(d, x + i + lanes), hn::LoadU(d, y + i + lanes), b);
    c = hn::MulAdd(hn::LoadU(d, x + i + 2 * lanes), hn::LoadU(d, y + i + 2 * lanes), c);
    e = hn::MulAdd(hn::LoadU(d, x + i + 3 * lanes), hn::LoadU(d, y + i + 3 * lanes), e);
  }
  for (; i + lanes <= count; i += lanes)
    a = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), a);
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
  for (; i < count; ++i)
    sum += x[i] * y[i];
  return sum;
}

HWY_INLINE void add_to(float scale, const float* HWY_RESTRICT x, std::size_t count,
                       float* HWY_RESTRICT y) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, scale);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, y + i);
  for (; i < count; ++i)
    y[i] += scale * x[i];
}

void scale_row(float by, float* HWY_RESTRICT x, std::size_t count) {
  const hn::ScalableTag<float> d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d))
    hn::StoreU(hn::Mul(hn::LoadU(d, x + i), hn::Set(d, by)), d, x + i);
  for (; i < count; ++i)
    x[i] *= by;
}

float dot_rows(const float* x, const float* y, std::size_t count) {
  return dot_of(x, y, count);
}

void add_rows(float scale, const float* x, std::size_t count, float* y) {
  add_to(scale, x, count, y);
}

float gradients(const UsedBatch& batch, const LatentUse* uses, std::size_t count,
                const float* decoder_row, float* decoder_gradient, float* encoder_gradient) {
  const auto width = static_cast<std::size_t>(batch.width);
  std::fill_n(decoder_gradient, width, 0.0f);
  std::fill_n(encoder_gradient, width, 0.0f);
  float bias = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const LatentUse& use = uses[i];
    if (!(use.value > 0))
      continue;
    const float* const gradient = batch.gradients[use.target] + use.input * width;
    const float own = dot_of(gradient, decoder_row, width);
    add_to(use.value, gradient, width, decoder_gradient);
    add_to(own, batch.inputs + use.input * width, width, encoder_gradient);
    bias += own;
  }
  return bias;
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(scale_row);
HWY_EXPORT(dot_rows);
HWY_EXPORT(add_rows);
HWY_EXPORT(gradients);

float dot(std::span<const float> x, std::span<const float> y) {
  return HWY_DYNAMIC_DISPATCH(dot_rows)(x.data(), y.data(), x.size());
}

void scale(float a, std::span<float> x) {
  HWY_DYNAMIC_DISPATCH(scale_row)(a, x.data(), x.size());
}

void add_scaled(float a, std::span<const float> x, std::span<float> y) {
  HWY_DYNAMIC_DISPATCH(add_rows)(a, x.data(), x.size(), y.data());
}

float latent_gradients(const UsedBatch& batch, std::span<const LatentUse> uses,
                       std::span<const float> decoder_row, std::span<float> decoder_gradient,
                       std::span<float> encoder_gradient) {
  return HWY_DYNAMIC_DISPATCH(gradients)(batch, uses.data(), uses.size(), decoder_row.data(),
                                         decoder_gradient.data(), encoder_gradient.data());
}

namespace reference {

float dot(std::span<const float> x, std::span<const float> y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += double{x[i]} * y[i];
  return static_cast<float>(sum);
}

float latent_gradients(const UsedBatch& batch, std::span<const LatentUse> uses,
                       std::span<const float> decoder_row, std::span<float> decoder_gradient,
                       std::span<float> encoder_gradient) {
  std::ranges::fill(decoder_gradient, 0.0f);
  std::ranges::fill(encoder_gradient, 0.0f);
  float bias = 0;
  for (const LatentUse& use : uses) {
    const std::size_t first = use.input * static_cast<std::size_t>(batch.width);
    const std::span gradient(batch.gradients[use.target] + first, decoder_row.size());
    const float own = use.value > 0 ? reference::dot(gradient, decoder_row) : 0;
    for (std::size_t i = 0; i < decoder_row.size(); ++i) {
      decoder_gradient[i] += use.value * gradient[i];
      encoder_gradient[i] += own * batch.inputs[first + i];
    }
    bias += own;
  }
  return bias;
}

} // namespace reference
} // namespace latticelens
#endif
