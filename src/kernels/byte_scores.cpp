#include "kernels/byte_scores.h"

#include <cmath>
#include <cstring>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/byte_scores.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include "kernels/byte_dots-inl.h"

#ifndef LATTICELENS_BYTE_SCORES_ONCE
#define LATTICELENS_BYTE_SCORES_ONCE
namespace latticelens {

/// The parts of a strip: four columns of each row side by side; then for every row minus 128 times
/// its sum (what the codes' offset adds), its step, and its bias.
struct ScoreStrip {
  ScoreStrip(const std::uint8_t* strip, std::int64_t columns)
      : codes(strip), starts(strip + score_strip_rows * score_row_bytes(columns)),
        steps(reinterpret_cast<const float*>(starts + score_strip_rows * 4)),
        bias(steps + score_strip_rows) {}
  const std::uint8_t *codes, *starts;
  const float *steps, *bias;
};

} // namespace latticelens
#endif

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The largest magnitude over 127; a row of zeros has any step.
HWY_INLINE float step_of(const float* x, std::size_t count) {
  const hn::ScalableTag<float> d;
  auto largest = hn::Zero(d);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d))
    largest = hn::Max(largest, hn::Abs(hn::LoadU(d, x + i)));
  float most = hn::GetLane(hn::MaxOfLanes(d, largest));
  for (; i < count; ++i)
    most = std::max(most, std::fabs(x[i]));
  return most > 0 ? most / 127 : 1;
}

/// round(x / step) as bytes; their sum.
HWY_INLINE std::int32_t codes_of(const float* HWY_RESTRICT x, std::size_t count, float step,
                                 std::int8_t* HWY_RESTRICT codes) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> whole;
  const hn::Rebind<std::int8_t, decltype(d)> bytes;
  const float inverse = 1 / step;
  auto sums = hn::Zero(whole);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto rounded = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), hn::Set(d, inverse)));
    sums = hn::Add(sums, rounded);
    hn::StoreU(hn::DemoteTo(bytes, rounded), bytes, codes + i);
  }
  std::int32_t sum = hn::GetLane(hn::SumOfLanes(whole, sums));
  for (; i < count; ++i) {
    codes[i] = static_cast<std::int8_t>(std::lrint(x[i] * inverse));
    sum += codes[i];
  }
  return sum;
}

float encode(const float* x, std::size_t count, std::uint8_t* codes) {
  const float step = step_of(x, count);
  const auto padded = static_cast<std::size_t>(score_row_bytes(static_cast<std::int64_t>(count)));
  codes_of(x, count, step, reinterpret_cast<std::int8_t*>(codes));
  std::fill(codes + count, codes + padded, std::uint8_t{0});
  for (std::size_t i = 0; i < padded; ++i)
    codes[i] ^= 0x80; // 128 more
  return step;
}

void pack(const float* matrix, std::int64_t rows, std::int64_t columns, const float* bias,
          std::uint8_t* strip) {
  const std::int64_t width = score_row_bytes(columns);
  const auto count = static_cast<std::size_t>(columns);
  std::memset(strip, 0, static_cast<std::size_t>(score_strip_rows * width));
  auto* const starts = reinterpret_cast<std::int32_t*>(strip + score_strip_rows * width);
  auto* const steps = reinterpret_cast<float*>(starts + score_strip_rows);
  float* const added = steps + score_strip_rows;
  std::vector<std::int8_t> codes(static_cast<std::size_t>(width));
  for (std::int64_t j = 0; j < score_strip_rows; ++j) {
    starts[j] = 0;
    steps[j] = 0;
    added[j] = -std::numeric_limits<float>::infinity();
    if (j >= rows)
      continue;
    const float* const row = matrix + j * columns;
    steps[j] = step_of(row, count);
    starts[j] = -128 * codes_of(row, count, steps[j], codes.data());
    added[j] = bias[j];
    for (std::int64_t k = 0; k < width; k += 4)
      std::memcpy(strip + k * score_strip_rows + j * 4, &codes[static_cast<std::size_t>(k)], 4);
  }
}

#if LATTICELENS_BYTE_DOTS && HWY_TARGET <= HWY_AVX3_DL

bool has_scores() {
  return true;
}

constexpr int vectors = 3;
static_assert(vectors * ByteDots::lanes == score_strip_rows);

/// Those of 48 scores that are above the list's bar.
HWY_INLINE void keep(const __m512 (&scores)[vectors], std::int32_t first, CandidateList& list) {
  const __m512 bar = _mm512_set1_ps(list.bar());
  for (int v = 0; v < vectors; ++v) {
    unsigned above = _mm512_cmp_ps_mask(scores[v], bar, _CMP_GT_OQ);
    if (above == 0) [[likely]]
      continue;
    float values[ByteDots::lanes];
    _mm512_storeu_ps(values, scores[v]);
    for (; above != 0; above &= above - 1) {
      const int lane = __builtin_ctz(above);
      if (values[lane] > list.bar())
        list.add(values[lane], first + v * ByteDots::lanes + lane);
    }
  }
}

template<int Rows>
HWY_INLINE void score_tile(std::int64_t columns, const std::uint8_t* codes, const float* steps,
                           const ScoreStrip& strip, std::int32_t first, CandidateList* lists) {
  const std::int64_t stride = score_row_bytes(columns);
  __m512i dots[Rows][vectors];
  HWY_UNROLL(8)
  for (int i = 0; i < Rows; ++i) {
    HWY_UNROLL(3)
    for (int v = 0; v < vectors; ++v)
      dots[i][v] = ByteDots::load(strip.starts + v * ByteDots::bytes);
  }
  const std::uint8_t* right_codes = strip.codes;
  for (std::int64_t k = 0; k < stride; k += 4, right_codes += score_strip_rows * 4) {
    __m512i right[vectors];
    HWY_UNROLL(3)
    for (int v = 0; v < vectors; ++v)
      right[v] = ByteDots::load(right_codes + v * ByteDots::bytes);
    HWY_UNROLL(8)
    for (int i = 0; i < Rows; ++i) {
      const __m512i left = ByteDots::four(codes + i * stride + k);
      HWY_UNROLL(3)
      for (int v = 0; v < vectors; ++v)
        dots[i][v] = ByteDots::add(dots[i][v], left, right[v]);
    }
  }
  for (int i = 0; i < Rows; ++i) {
    __m512 scores[vectors];
    for (int v = 0; v < vectors; ++v) {
      const __m512 step = _mm512_mul_ps(_mm512_loadu_ps(strip.steps + v * ByteDots::lanes),
                                        _mm512_set1_ps(steps[i]));
      scores[v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[i][v]), step,
                                  _mm512_loadu_ps(strip.bias + v * ByteDots::lanes));
    }
    keep(scores, first, lists[i]);
  }
}

void scores(std::int64_t rows, std::int64_t columns, const std::uint8_t* codes, const float* steps,
            const std::uint8_t* strip, std::int32_t first, CandidateList* lists) {
  constexpr int together = 8; // 24 sums of 32 registers
  const ScoreStrip parts(strip, columns);
  const std::int64_t stride = score_row_bytes(columns);
  std::int64_t i = 0;
  for (; i + together <= rows; i += together)
    score_tile<together>(columns, codes + i * stride, steps + i, parts, first, lists + i);
  for (; i < rows; ++i)
    score_tile<1>(columns, codes + i * stride, steps + i, parts, first, lists + i);
}

#else

bool has_scores() {
  return false;
}

void scores(std::int64_t rows, std::int64_t columns, const std::uint8_t* codes, const float* steps,
            const std::uint8_t* strip, std::int32_t first, CandidateList* lists) {
  reference::add_scores(rows, columns, codes, steps, strip, first, lists);
}

#endif

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(has_scores);
HWY_EXPORT(encode);
HWY_EXPORT(pack);
HWY_EXPORT(scores);

bool has_byte_scores() {
  return HWY_DYNAMIC_DISPATCH(has_scores)();
}

float encode_scored_row(std::span<const float> x, std::uint8_t* codes) {
  return HWY_DYNAMIC_DISPATCH(encode)(x.data(), x.size(), codes);
}

void pack_score_strip(const float* matrix, std::int64_t rows, std::int64_t columns,
                      const float* bias, std::uint8_t* strip) {
  HWY_DYNAMIC_DISPATCH(pack)(matrix, rows, columns, bias, strip);
}

void add_scores(std::int64_t rows, std::int64_t columns, const std::uint8_t* codes,
                const float* steps, const std::uint8_t* strip, std::int32_t first,
                CandidateList* lists) {
  HWY_DYNAMIC_DISPATCH(scores)(rows, columns, codes, steps, strip, first, lists);
}

} // namespace latticelens
#endif
