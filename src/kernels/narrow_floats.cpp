#include "kernels/narrow_floats.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/narrow_floats.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// step(first, lanes) for whole vectors, then once for the rest through `step` on copies.
template<class From, class To, class D, class Step>
HWY_INLINE void each_vector(D d, const From* from, To* to, std::size_t count, const Step& step) {
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    step(from + i, to + i);
  if (i == count)
    return;
  HWY_ALIGN From last[hn::MaxLanes(d)] = {};
  HWY_ALIGN To result[hn::MaxLanes(d)];
  std::copy(from + i, from + count, last);
  step(last, result);
  std::copy(result, result + (count - i), to + i);
}

void bf16_to_float(const std::uint16_t* from, float* to, std::size_t count) {
  const hn::ScalableTag<std::uint32_t> d;
  const hn::Rebind<std::uint16_t, decltype(d)> narrow;
  const hn::RebindToFloat<decltype(d)> floats;
  each_vector(d, from, to, count, [&](const std::uint16_t* x, float* y) HWY_ATTR {
    const auto bits = hn::ShiftLeft<16>(hn::PromoteTo(d, hn::LoadU(narrow, x)));
    hn::StoreU(hn::BitCast(floats, bits), floats, y);
  });
}

/// Without subnormal arithmetic: a half subnormal is 2^-14 + mantissa, less 2^-14.
void half_to_float(const std::uint16_t* from, float* to, std::size_t count) {
  const hn::ScalableTag<std::uint32_t> d;
  const hn::Rebind<std::uint16_t, decltype(d)> narrow;
  const hn::RebindToFloat<decltype(d)> floats;
  const auto exponent_bits = hn::Set(d, 0x0f800000u), rebias = hn::Set(d, 112u << 23);
  each_vector(d, from, to, count, [&](const std::uint16_t* x, float* y) HWY_ATTR {
    const auto half = hn::PromoteTo(d, hn::LoadU(narrow, x));
    const auto sign = hn::ShiftLeft<16>(hn::And(half, hn::Set(d, 0x8000u)));
    const auto magnitude = hn::ShiftLeft<13>(hn::And(half, hn::Set(d, 0x7fffu)));
    const auto exponent = hn::And(magnitude, exponent_bits);
    const auto normal = hn::Add(magnitude, rebias);
    const auto infinite = hn::Add(normal, rebias);
    const auto raised = hn::BitCast(floats, hn::Add(normal, hn::Set(d, 1u << 23)));
    const auto subnormal = hn::BitCast(d, hn::Sub(raised, hn::Set(floats, 0x1p-14f)));
    const auto finite = hn::IfThenElse(hn::Eq(exponent, hn::Zero(d)), subnormal, normal);
    const auto bits = hn::IfThenElse(hn::Eq(exponent, exponent_bits), infinite, finite);
    hn::StoreU(hn::BitCast(floats, hn::Or(bits, sign)), floats, y);
  });
}

/// The rounding is that of one fp32 addition: a power of two is added that moves the half's last
/// bit to fp32's last.
bool float_to_half(const float* from, std::uint16_t* to, std::size_t count) {
  const hn::ScalableTag<std::uint32_t> d;
  const hn::Rebind<std::uint16_t, decltype(d)> narrow;
  const hn::RebindToSigned<decltype(d)> integers;
  const hn::RebindToFloat<decltype(d)> floats;
  const auto infinity = hn::Set(integers, 0x7f800000);
  auto overflow = hn::Zero(integers);
  each_vector(d, from, to, count, [&](const float* x, std::uint16_t* y) HWY_ATTR {
    const auto bits = hn::BitCast(integers, hn::LoadU(floats, x));
    const auto magnitude = hn::And(bits, hn::Set(integers, 0x7fffffff));
    // Between 2^-14 and what rounds to 65536, as integers: half the last bit, less one, and its
    // own.
    const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(integers, 1));
    const auto rounded = hn::ShiftRight<13>(
        hn::Add(hn::Add(magnitude, hn::Set(integers, 0xfff - (112 << 23))), odd));
    const auto raised =
        hn::Add(hn::BitCast(floats, magnitude), hn::Set(floats, 0.5f)); // last bit 2^-24
    const auto small = hn::Sub(hn::BitCast(integers, raised), hn::Set(integers, 0x3f000000));
    const auto finite =
        hn::IfThenElse(hn::Lt(magnitude, hn::Set(integers, 0x38800000)), small, rounded);
    const auto too_large = hn::Gt(magnitude, hn::Set(integers, 0x477fefff));
    const auto special = hn::IfThenElse(hn::Gt(magnitude, infinity), hn::Set(integers, 0x7e00),
                                        hn::Set(integers, 0x7c00));
    overflow = hn::Or(overflow,
                      hn::VecFromMask(integers, hn::And(too_large, hn::Lt(magnitude, infinity))));
    const auto half = hn::IfThenElse(too_large, special, finite);
    const auto sign = hn::And(hn::ShiftRight<16>(hn::BitCast(d, bits)), hn::Set(d, 0x8000u));
    hn::StoreU(hn::DemoteTo(narrow, hn::BitCast(integers, hn::Or(hn::BitCast(d, half), sign))),
               narrow, y);
  });
  return hn::AllTrue(integers, hn::Eq(overflow, hn::Zero(integers)));
}

SquareSums sums_of_squares(const float* x, const float* y, std::size_t count) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> narrow;
  const std::size_t lanes = hn::Lanes(d);
  auto difference = hn::Zero(d), energy = hn::Zero(d), more_difference = hn::Zero(d),
       more_energy = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    const auto a = hn::PromoteTo(d, hn::LoadU(narrow, x + i)),
               b = hn::PromoteTo(d, hn::LoadU(narrow, x + i + lanes));
    const auto off = hn::Sub(a, hn::PromoteTo(d, hn::LoadU(narrow, y + i))),
               more_off = hn::Sub(b, hn::PromoteTo(d, hn::LoadU(narrow, y + i + lanes)));
    difference = hn::MulAdd(off, off, difference);
    more_difference = hn::MulAdd(more_off, more_off, more_difference);
    energy = hn::MulAdd(a, a, energy);
    more_energy = hn::MulAdd(b, b, more_energy);
  }
  SquareSums sums = {hn::GetLane(hn::SumOfLanes(d, hn::Add(difference, more_difference))),
                     hn::GetLane(hn::SumOfLanes(d, hn::Add(energy, more_energy)))};
  const SquareSums rest = reference::square_sums({x + i, count - i}, {y + i, count - i});
  return {sums.difference + rest.difference, sums.energy + rest.energy};
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(bf16_to_float);
HWY_EXPORT(half_to_float);
HWY_EXPORT(float_to_half);
HWY_EXPORT(sums_of_squares);

void widen_bf16(std::span<const std::uint16_t> from, std::span<float> to) {
  HWY_DYNAMIC_DISPATCH(bf16_to_float)(from.data(), to.data(), from.size());
}

void widen_half(std::span<const std::uint16_t> from, std::span<float> to) {
  HWY_DYNAMIC_DISPATCH(half_to_float)(from.data(), to.data(), from.size());
}

bool narrow_to_half(std::span<const float> from, std::span<std::uint16_t> to) {
  return HWY_DYNAMIC_DISPATCH(float_to_half)(from.data(), to.data(), from.size());
}

SquareSums square_sums(std::span<const float> x, std::span<const float> y) {
  return HWY_DYNAMIC_DISPATCH(sums_of_squares)(x.data(), y.data(), x.size());
}

} // namespace latticelens
#endif
