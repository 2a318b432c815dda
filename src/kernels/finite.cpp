#include "kernels/finite.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/finite.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// No word has all bits of the exponent. The largest is kept, for it has them if any has.
template<class Word>
HWY_INLINE bool none_has(const Word* words, std::size_t count, Word exponent) {
  const hn::ScalableTag<Word> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto mask = hn::Set(d, exponent);
  auto largest = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    largest = hn::Max(largest, hn::And(hn::LoadU(d, words + i), mask));
  bool none = hn::AllFalse(d, hn::Eq(largest, mask));
  for (; i < count; ++i)
    none &= (words[i] & exponent) != exponent;
  return none;
}

bool none_of_32_bits(const std::uint32_t* words, std::size_t count) {
  return none_has<std::uint32_t>(words, count, 0x7f800000u);
}

bool none_of_16_bits(const std::uint16_t* words, std::size_t count, std::uint16_t exponent) {
  return none_has<std::uint16_t>(words, count, exponent);
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(none_of_32_bits);
HWY_EXPORT(none_of_16_bits);

bool all_finite(std::span<const float> values) {
  return HWY_DYNAMIC_DISPATCH(none_of_32_bits)(
      reinterpret_cast<const std::uint32_t*>(values.data()), values.size());
}

bool all_finite(std::span<const std::uint16_t> values, std::uint16_t exponent) {
  return HWY_DYNAMIC_DISPATCH(none_of_16_bits)(values.data(), values.size(), exponent);
}

} // namespace latticelens
#endif
