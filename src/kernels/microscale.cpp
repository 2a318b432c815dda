#include "kernels/microscale.h"

#include <algorithm>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/microscale.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include "kernels/fit-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

using Floats = hn::ScalableTag<float>;

// Blocks whose scales are chosen before any is rounded: a loop without calls keeps its constants in
// registers, and the group stays in the first-level cache.
constexpr std::int64_t group = 8;

/// Rounds to scales that are normal numbers.
SnapCounts snap_normal(float* values, std::int64_t blocks, std::int64_t block, const float* scales,
                       const GridVectors<Floats> vectors) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t inside = 0;
  SnapCounts counts;
  for (std::int64_t b = 0; b < blocks; ++b, values += block) {
    const auto inverse = hn::Set(d, 1 / scales[b]), factor = hn::Set(d, scales[b]);
    // Multiplying by the inverse of a power of two is exact.
    const bool exact = (std::bit_cast<std::uint32_t>(scales[b]) & 0x007FFFFFu) == 0;
    for (std::int64_t i = 0; i < block; i += lanes) {
      const auto value = hn::LoadU(d, values + i);
      const auto scaled = exact ? hn::Mul(value, inverse) : hn::Div(value, factor);
      const auto is_inside = hn::Le(hn::Abs(scaled), vectors.edge); // NaN is not
      inside += static_cast<std::int64_t>(hn::CountTrue(d, is_inside));
      auto snapped = snap_vector(d, scaled, vectors);
      if (HWY_UNLIKELY(!hn::AllTrue(d, is_inside))) {
        const auto number = hn::Eq(scaled, scaled);
        counts.not_finite += lanes - static_cast<std::int64_t>(hn::CountTrue(d, number));
        snapped = hn::IfThenElse(number, snapped, scaled);
      }
      hn::StoreU(hn::Mul(snapped, factor), d, values + i);
    }
  }
  counts.clipped = blocks * block - inside - counts.not_finite;
  return counts;
}

/// The same for powers of two and blocks without NaN, as a rule chose them; values that lie outside
/// the grid are counted.
template<Ties Rule>
std::int64_t snap_fitted(float* values, std::int64_t blocks, std::int64_t block,
                         const float* scales, const GridVectors<Floats> vectors) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t outside = 0;
  for (std::int64_t b = 0; b < blocks; ++b, values += block) {
    const auto inverse = hn::Set(d, 1 / scales[b]), factor = hn::Set(d, scales[b]);
    for (std::int64_t i = 0; i < block; i += lanes) {
      const auto scaled = hn::Mul(hn::LoadU(d, values + i), inverse);
      outside += static_cast<std::int64_t>(hn::CountTrue(d, hn::Gt(hn::Abs(scaled), vectors.edge)));
      const auto snapped = snap_vector_with<Rule>(d, scaled, vectors);
      hn::StoreU(hn::Mul(snapped, factor), d, values + i);
    }
  }
  return outside;
}

/// Whether a rule chose a power of two for a block of finite numbers.
bool is_fitted_power(float scale) {
  return scale >= 0x1p-126f && (std::bit_cast<std::uint32_t>(scale) & 0x007FFFFFu) == 0;
}

SnapCounts snap_group(float* values, std::int64_t blocks, std::int64_t block, const float* scales,
                      const ElementGrid& grid, const GridVectors<Floats>& vectors) {
  if (std::all_of(scales, scales + blocks, [](float scale) { return scale >= 0x1p-126f; }))
    return snap_normal(values, blocks, block, scales, vectors);
  SnapCounts counts;
  for (std::int64_t b = 0; b < blocks; ++b, values += block)
    counts +=
        scales[b] >= 0x1p-126f
            ? snap_normal(values, 1, block, scales + b, vectors)
            : reference::snap_block({values, static_cast<std::size_t>(block)}, scales[b], grid);
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
  for (std::int64_t first = 0; first < blocks; first += group)
    counts += snap_group(values + first * block, std::min(group, blocks - first), block,
                         scales + first, grid, vectors);
  return counts;
}

SnapCounts quantize_all(float* values, std::int64_t blocks, std::int64_t block,
                        const ScaleRule& rule, const ElementGrid& grid) {
  const GridVectors<Floats> vectors(Floats(), grid);
  SnapCounts counts;
  float scales[group];
  for (std::int64_t first = 0; first < blocks; first += group) {
    const std::int64_t count = std::min(group, blocks - first);
    float* start = values + first * block;
    fit_all(start, count, block, rule, grid, scales);
    if (!grid.table.empty() || !std::all_of(scales, scales + count, is_fitted_power))
      counts += snap_group(start, count, block, scales, grid, vectors);
    else if (vectors.away)
      counts.clipped += snap_fitted<Ties::away>(start, count, block, scales, vectors);
    else
      counts.clipped += snap_fitted<Ties::even>(start, count, block, scales, vectors);
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
