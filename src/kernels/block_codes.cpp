#include "kernels/block_codes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/block_codes.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, code_block>;
using Integers = hn::RebindToSigned<Floats>;

/// Where both signs have the largest magnitude: with weights on a grid a common case.
HWY_INLINE float first_of_magnitude(const float* x, float magnitude) {
  const Floats d;
  for (std::size_t i = 0; magnitude > 0 && i < code_block; i += hn::Lanes(d)) {
    const auto found = hn::Eq(hn::Abs(hn::LoadU(d, x + i)), hn::Set(d, magnitude));
    if (const auto place = hn::FindFirstTrue(d, found); place >= 0)
      return x[i + static_cast<std::size_t>(place)];
  }
  return 0;
}

void extremes_of(const float* x, float* extremes, std::size_t blocks) {
  const Floats d;
  for (std::size_t b = 0; b < blocks; ++b, x += code_block) {
    auto largest = hn::LoadU(d, x), smallest = largest;
    for (std::size_t i = hn::Lanes(d); i < code_block; i += hn::Lanes(d)) {
      const auto v = hn::LoadU(d, x + i);
      largest = hn::Max(largest, v);
      smallest = hn::Min(smallest, v);
    }
    const float above = hn::GetLane(hn::MaxOfLanes(d, largest)),
                below = hn::GetLane(hn::MinOfLanes(d, smallest));
    extremes[b] = above == -below ? first_of_magnitude(x, above) : above > -below ? above : below;
  }
}

/// code(vector of x, vector of the block's factor), as integers, for all x.
template<class Byte, class Code>
HWY_INLINE void each_code(const float* x, const float* factors, Byte* codes, std::size_t blocks,
                          const Code& code) {
  const Floats d;
  const hn::Rebind<Byte, Integers> bytes;
  for (std::size_t b = 0; b < blocks; ++b, x += code_block, codes += code_block) {
    const auto factor = hn::Set(d, factors[b]);
    for (std::size_t i = 0; i < code_block; i += hn::Lanes(d))
      hn::StoreU(hn::DemoteTo(bytes, code(hn::LoadU(d, x + i), factor)), bytes, codes + i);
  }
}

void round_codes(const float* x, const float* factors, std::int8_t* codes, std::size_t blocks) {
  const Floats d;
  const Integers integers;
  // The number below a half keeps what lies below a tie below it.
  const auto below_half = hn::Set(d, 0.49999997f);
  each_code(x, factors, codes, blocks, [&](auto v, auto factor) HWY_ATTR {
    const auto product = hn::Mul(v, factor);
    return hn::ConvertTo(integers, hn::Add(product, hn::CopySign(below_half, product)));
  });
}

void offset_and_clamp(const float* x, const float* factors, float offset, int most,
                      std::uint8_t* codes, std::size_t blocks) {
  const Floats d;
  const Integers integers;
  const auto added = hn::Set(d, offset);
  const auto zero = hn::Zero(integers), top = hn::Set(integers, most);
  each_code(x, factors, codes, blocks, [&](auto v, auto factor) HWY_ATTR {
    const auto code = hn::ConvertTo(integers, hn::Add(hn::Mul(v, factor), added));
    return hn::Min(hn::Max(code, zero), top);
  });
}

void count_ends(const float* x, const float* scales, const float* ends, std::uint8_t* codes,
                std::size_t blocks) {
  const Floats d;
  const Integers integers;
  each_code(x, scales, codes, blocks, [&](auto v, auto scale) HWY_ATTR {
    const auto magnitude = hn::Abs(v);
    auto code = hn::Zero(integers);
    HWY_UNROLL(7)
    for (int i = 0; i < 7; ++i) // a mask is -1
      code = hn::Sub(
          code,
          hn::VecFromMask(
              integers,
              hn::RebindMask(integers, hn::Gt(magnitude, hn::Mul(hn::Set(d, ends[i]), scale)))));
    const auto negative = hn::RebindMask(integers, hn::Lt(v, hn::Zero(d)));
    const auto sign = hn::And(hn::Gt(code, hn::Zero(integers)), negative);
    return hn::Add(code, hn::IfThenElseZero(sign, hn::Set(integers, 8)));
  });
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(extremes_of);
HWY_EXPORT(round_codes);
HWY_EXPORT(offset_and_clamp);
HWY_EXPORT(count_ends);

void extreme_values(std::span<const float> x, std::span<float> extremes) {
  HWY_DYNAMIC_DISPATCH(extremes_of)(x.data(), extremes.data(), extremes.size());
}

void rounded_codes(std::span<const float> x, std::span<const float> factors,
                   std::span<std::int8_t> codes) {
  HWY_DYNAMIC_DISPATCH(round_codes)(x.data(), factors.data(), codes.data(), factors.size());
}

void offset_codes(std::span<const float> x, std::span<const float> factors, float offset, int most,
                  std::span<std::uint8_t> codes) {
  HWY_DYNAMIC_DISPATCH(offset_and_clamp)
  (x.data(), factors.data(), offset, most, codes.data(), factors.size());
}

void magnitude_codes(std::span<const float> x, std::span<const float> scales,
                     std::span<const float, 7> ends, std::span<std::uint8_t> codes) {
  HWY_DYNAMIC_DISPATCH(count_ends)
  (x.data(), scales.data(), ends.data(), codes.data(), scales.size());
}

} // namespace latticelens
#endif
