#include "kernels/microscale.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/microscale.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include "kernels/fit-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

using Floats = hn::ScalableTag<float>;

HWY_INLINE SnapCounts snap_one(float* values, std::int64_t count, float scale,
                               const ElementGrid& grid, const GridVectors<Floats>& vectors) {
  const Floats d;
  SnapCounts counts;
  if (!(scale >= 0x1p-126f))
    return reference::snap_block({values, static_cast<std::size_t>(count)}, scale, grid);
  const auto inverse = hn::Set(d, 1 / scale), factor = hn::Set(d, scale);
  // Multiplying by the inverse of a power of two is exact.
  const bool exact = (std::bit_cast<std::uint32_t>(scale) & 0x007FFFFFu) == 0;
  for (std::int64_t i = 0; i < count; i += static_cast<std::int64_t>(hn::Lanes(d))) {
    const auto value = hn::LoadU(d, values + i);
    const auto scaled = exact ? hn::Mul(value, inverse) : hn::Div(value, factor);
    const auto clipped = hn::Gt(hn::Abs(scaled), vectors.edge);
    counts.clipped += static_cast<std::int64_t>(hn::CountTrue(d, clipped));
    const auto finite = hn::Eq(scaled, scaled);
    counts.not_finite += static_cast<std::int64_t>(hn::Lanes(d) - hn::CountTrue(d, finite));
    const auto snapped = hn::IfThenElse(finite, snap_vector(d, scaled, vectors), scaled);
    hn::StoreU(hn::Mul(snapped, factor), d, values + i);
  }
  return counts;
}

void fit_all(const float* values, std::int64_t blocks, std::int64_t block, const ScaleRule& rule,
             const ElementGrid& grid, float* scales) {
  for (std::int64_t i = 0; i < blocks; ++i)
    scales[i] = fit(values + i * block, block, rule, grid);
}

SnapCounts snap_all(float* values, std::int64_t blocks, std::int64_t block, const float* scales,
                    const ElementGrid& grid) {
  const GridVectors<Floats> vectors(Floats(), grid);
  SnapCounts counts;
  for (std::int64_t i = 0; i < blocks; ++i)
    counts += snap_one(values + i * block, block, scales[i], grid, vectors);
  return counts;
}

SnapCounts quantize_all(float* values, std::int64_t blocks, std::int64_t block,
                        const ScaleRule& rule, const ElementGrid& grid) {
  const GridVectors<Floats> vectors(Floats(), grid);
  SnapCounts counts;
  for (std::int64_t i = 0; i < blocks; ++i) {
    float* start = values + i * block;
    counts += snap_one(start, block, fit(start, block, rule, grid), grid, vectors);
  }
  return counts;
}

std::int64_t lanes() {
  return static_cast<std::int64_t>(hn::Lanes(Floats()));
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(fit_all);
HWY_EXPORT(snap_all);
HWY_EXPORT(quantize_all);
HWY_EXPORT(lanes);

namespace {

// Blocks that are no multiple of the vector length go through the reference.
bool fills_vectors(std::int64_t block) {
  return block % HWY_DYNAMIC_DISPATCH(lanes)() == 0;
}

std::int64_t block_count(std::size_t values, std::int64_t block) {
  return static_cast<std::int64_t>(values) / block;
}

} // namespace

void fit_blocks(std::span<const float> values, std::int64_t block, const ScaleRule& rule,
                const ElementGrid& grid, std::span<float> scales) {
  const std::int64_t blocks = block_count(values.size(), block);
  if (fills_vectors(block))
    return HWY_DYNAMIC_DISPATCH(fit_all)(values.data(), blocks, block, rule, grid, scales.data());
  for (std::int64_t i = 0; i < blocks; ++i)
    scales[i] = reference::fit_block(values.subspan(i * block, block), rule, grid);
}

SnapCounts snap_blocks(std::span<float> values, std::int64_t block, std::span<const float> scales,
                       const ElementGrid& grid) {
  const std::int64_t blocks = block_count(values.size(), block);
  if (fills_vectors(block))
    return HWY_DYNAMIC_DISPATCH(snap_all)(values.data(), blocks, block, scales.data(), grid);
  SnapCounts counts;
  for (std::int64_t i = 0; i < blocks; ++i)
    counts += reference::snap_block(values.subspan(i * block, block), scales[i], grid);
  return counts;
}

SnapCounts quantize_blocks(std::span<float> values, std::int64_t block, const ScaleRule& rule,
                           const ElementGrid& grid) {
  const std::int64_t blocks = block_count(values.size(), block);
  if (fills_vectors(block))
    return HWY_DYNAMIC_DISPATCH(quantize_all)(values.data(), blocks, block, rule, grid);
  SnapCounts counts;
  for (std::int64_t i = 0; i < blocks; ++i) {
    const auto part = values.subspan(i * block, block);
    counts += reference::snap_block(part, reference::fit_block(part, rule, grid), grid);
  }
  return counts;
}

} // namespace latticelens
#endif
