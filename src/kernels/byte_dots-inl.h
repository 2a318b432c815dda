// Sums of four products of bytes, unsigned times signed, in every 32-bit lane; include only from
// files that foreach_target.h compiles many times. Intrinsics, since this Highway has no such sum.
#if defined(LATTICELENS_BYTE_DOTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATTICELENS_BYTE_DOTS_INL_H
#undef LATTICELENS_BYTE_DOTS_INL_H
#else
#define LATTICELENS_BYTE_DOTS_INL_H
#endif

#include <cstdint>
#include <cstring>
#include <hwy/highway.h>

#undef LATTICELENS_BYTE_DOTS
#define LATTICELENS_BYTE_DOTS (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2)

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

#if LATTICELENS_BYTE_DOTS

HWY_INLINE int four_bytes(const std::uint8_t* bytes) {
  int word = 0;
  std::memcpy(&word, bytes, 4);
  return word;
}

#if HWY_TARGET <= HWY_AVX3_DL

/// One instruction a sum, which starts from what packed_strip.h says.
struct ByteDots {
  using Bytes = __m512i;
  using Sums = __m512i;
  using Floats = __m512;
  static constexpr int rows = 4, vectors = 3, lanes = 16, bytes = 64; // 28 of 32 registers
  static HWY_INLINE Bytes load(const std::uint8_t* from) { return _mm512_loadu_si512(from); }
  static HWY_INLINE Bytes four(const std::uint8_t* from) {
    return _mm512_set1_epi32(four_bytes(from));
  }
  static HWY_INLINE Floats load(const float* from) { return _mm512_loadu_ps(from); }
  static HWY_INLINE Floats one(const float* from) { return _mm512_set1_ps(*from); }
  static HWY_INLINE void store(Floats value, float* to) { _mm512_storeu_ps(to, value); }
  static HWY_INLINE Sums start(const std::uint8_t* starts) { return load(starts); }
  static HWY_INLINE Sums add(Sums sum, Bytes left, Bytes right) {
    // The intrinsic asks for an option that Highway's AVX3_DL implies on the processor only.
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right));
    return sum;
  }
  static HWY_INLINE Floats finish(Sums sum, const std::uint8_t*, const std::uint8_t* origins,
                                  Floats scale, Floats to) {
    const Floats scaled =
        _mm512_sub_ps(_mm512_castsi512_ps(sum), _mm512_castsi512_ps(load(origins)));
    return _mm512_fmadd_ps(scaled, scale, to);
  }
};

#else

/// A block's 16 products of at most 24 * 12 for each 16-bit lane stay below 2^15.
struct ByteDots {
  using Bytes = __m256i;
  using Sums = __m256i;
  using Floats = __m256;
  static constexpr int rows = 2, vectors = 2, lanes = 8, bytes = 32; // 12 of 16 registers
  static HWY_INLINE Bytes load(const std::uint8_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  }
  static HWY_INLINE Bytes four(const std::uint8_t* from) {
    return _mm256_set1_epi32(four_bytes(from));
  }
  static HWY_INLINE Floats load(const float* from) { return _mm256_loadu_ps(from); }
  static HWY_INLINE Floats one(const float* from) { return _mm256_set1_ps(*from); }
  static HWY_INLINE void store(Floats value, float* to) { _mm256_storeu_ps(to, value); }
  static HWY_INLINE Sums start(const std::uint8_t*) { return _mm256_setzero_si256(); }
  static HWY_INLINE Sums add(Sums sum, Bytes left, Bytes right) {
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(left, right));
  }
  static HWY_INLINE Floats finish(Sums sum, const std::uint8_t* starts, const std::uint8_t* origins,
                                  Floats scale, Floats to) {
    const __m256i pairs = _mm256_madd_epi16(sum, _mm256_set1_epi16(1)),
                  dots = _mm256_add_epi32(pairs, load(starts));
    const Floats scaled =
        _mm256_sub_ps(_mm256_castsi256_ps(dots), _mm256_castsi256_ps(load(origins)));
    return _mm256_fmadd_ps(scaled, scale, to);
  }
};

#endif
#endif

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
