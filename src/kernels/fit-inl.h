// A block's scale, for every instruction set; include only from files that foreach_target.h
// compiles many times.
#if defined(LATTICELENS_FIT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATTICELENS_FIT_INL_H
#undef LATTICELENS_FIT_INL_H
#else
#define LATTICELENS_FIT_INL_H
#endif

#include "kernels/microscale.h"
#include "kernels/snap-inl.h"
#include <bit>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

// Magnitudes compare as unsigned integers, and NaN as the largest.
HWY_INLINE std::uint32_t largest_bits(const float* values, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  auto largest = hn::Zero(du);
  for (std::int64_t i = 0; i < count; i += static_cast<std::int64_t>(hn::Lanes(d)))
    largest = hn::Max(largest, hn::BitCast(du, hn::Abs(hn::LoadU(d, values + i))));
  return hn::GetLane(hn::MaxOfLanes(du, largest));
}

HWY_INLINE float power_of_two(int exponent) { // ldexp would take longer than the rest of a fit
  return exponent < -126 ? 0x1p-127f : std::bit_cast<float>((std::min(exponent, 127) + 127u) << 23);
}

HWY_INLINE float squared_error(const float* values, std::int64_t count, float scale,
                               const ElementGrid& grid) {
  const hn::ScalableTag<float> d;
  const GridVectors<hn::ScalableTag<float>> vectors(d, grid);
  const auto inverse = hn::Set(d, 1 / scale);
  auto sum = hn::Zero(d);
  for (std::int64_t i = 0; i < count; i += static_cast<std::int64_t>(hn::Lanes(d))) {
    const auto scaled = hn::Mul(hn::LoadU(d, values + i), inverse);
    const auto difference = hn::Sub(scaled, snap_vector(d, scaled, vectors));
    sum = hn::MulAdd(difference, difference, sum);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

/// Of the rule's multiples of a scale the one with the least squared error, the first of equals.
HWY_INLINE float best_multiple(const float* values, std::int64_t count, float wanted,
                               const ScaleRule& rule, const ElementGrid& grid) {
  const float first = nearest_scale(wanted * rule.multipliers[0], rule);
  float best = first, least = squared_error(values, count, first, grid);
  for (const float multiplier : rule.multipliers.subspan(1)) {
    const float scale = nearest_scale(wanted * multiplier, rule), ratio = scale / first;
    const float error = squared_error(values, count, scale, grid) * ratio * ratio;
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

/// wanted_scale for a power of two and a normal number.
HWY_INLINE float wanted_power(std::uint32_t bits, const ScaleRule& rule) {
  const int exponent = static_cast<int>(bits >> 23) - 127 - rule.grid_exponent;
  const float significand = std::bit_cast<float>((bits & 0x007FFFFFu) | 0x3F800000u);
  const bool higher = rule.inclusive ? significand >= rule.threshold : significand > rule.threshold;
  return power_of_two(exponent + (higher ? 1 : 0));
}

/// The scale of a block whose largest magnitude has these bits.
HWY_INLINE float fit_to(std::uint32_t bits, const float* values, std::int64_t count,
                        const ScaleRule& rule, const ElementGrid& grid) {
  if (bits >= 0x7F800000u)
    return std::numeric_limits<float>::quiet_NaN();
  const bool is_power = !rule.scale_grid && bits >= 0x00800000u;
  const float wanted =
      is_power ? wanted_power(bits, rule) : wanted_scale(std::bit_cast<float>(bits), rule, grid);
  if (!rule.multipliers.empty())
    return best_multiple(values, count, wanted, rule, grid);
  return is_power ? wanted : nearest_scale(wanted, rule);
}

HWY_INLINE float fit(const float* values, std::int64_t count, const ScaleRule& rule,
                     const ElementGrid& grid) {
  return fit_to(largest_bits(values, count), values, count, rule, grid);
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
