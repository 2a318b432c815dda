#include "kernels/packed_strip.h"

#include <cstring>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/packed_encode.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include "kernels/snap-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

/// Codes for given scales, powers of two or NaN.
SnapCounts encode_blocks(const float* values, std::int64_t blocks, const float* scales,
                         const ElementGrid& grid, std::uint8_t* codes) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const GridVectors<hn::ScalableTag<float>> vectors(d, grid);
  // Added to twice a value, it leaves the byte in the lowest bits.
  const auto shift = hn::Set(d, 0x1p23f + encoded_zero), two = hn::Set(d, 2.0f);
  const auto low_byte = hn::Set(du, 255u);
  SnapCounts counts;
  for (std::int64_t b = 0; b < blocks; ++b, values += e2m1_block, codes += e2m1_block) {
    if (!(scales[b] > 0)) {
      std::memset(codes, encoded_zero, e2m1_block);
      counts.not_finite += e2m1_block;
      continue;
    }
    const auto inverse = hn::Set(d, 1 / scales[b]);
    for (std::int64_t i = 0; i < e2m1_block; i += lanes) {
      const auto scaled = hn::Mul(hn::LoadU(d, values + i), inverse);
      counts.clipped +=
          static_cast<std::int64_t>(hn::CountTrue(d, hn::Gt(hn::Abs(scaled), vectors.edge)));
      const auto code = hn::MulAdd(snap_vector(d, scaled, vectors), two, shift);
      // not TruncateTo: this Highway's is wrong for AVX3_DL
      hn::StoreU(hn::U8FromU32(hn::And(hn::BitCast(du, code), low_byte)), bytes, codes + i);
    }
  }
  return counts;
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(encode_blocks);

SnapCounts encode_row(std::span<const float> values, const ScaleRule& rule, const ElementGrid& grid,
                      std::uint8_t* encoded) {
  const std::size_t blocks = values.size() / e2m1_block;
  auto* scales = reinterpret_cast<float*>(encoded + values.size());
  fit_blocks(values, e2m1_block, rule, grid, {scales, blocks});
  return HWY_DYNAMIC_DISPATCH(encode_blocks)(values.data(), static_cast<std::int64_t>(blocks),
                                             scales, grid, encoded);
}

} // namespace latticelens
#endif
