#include "kernels/packed_product.h"

#include "kernels/packed_strip.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/packed_product.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include "kernels/byte_dots-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

#if LATTICELENS_BYTE_DOTS

// Blocks of one strip that stay in the first-level cache for all rows.
constexpr std::int64_t blocks_at_once = 16;

/// What the sums of a strip start from: rows that are `stride` apart.
struct StripStarts {
  const float* data;
  std::int64_t stride;
  const float* row(std::int64_t i) const { return data + i * stride; }
};

/// Some rows and some vectors of a strip's rows: sums stay in registers over the blocks.
template<int Rows>
HWY_INLINE void packed_tile(std::int64_t blocks, const std::uint8_t* codes, const float* scales,
                            std::int64_t stride, const std::uint8_t* strip,
                            const StripStarts& starts, float* out, std::int64_t out_stride) {
  constexpr int vectors = ByteDots::vectors;
  ByteDots::Floats sums[Rows][vectors];
  HWY_UNROLL(4)
  for (int i = 0; i < Rows; ++i) {
    HWY_UNROLL(3)
    for (int v = 0; v < vectors; ++v)
      sums[i][v] = ByteDots::load(starts.row(i) + v * ByteDots::lanes);
  }
  for (std::int64_t b = 0; b < blocks; ++b, strip += block_bytes) {
    ByteDots::Sums dots[Rows][vectors];
    HWY_UNROLL(4)
    for (int i = 0; i < Rows; ++i) {
      HWY_UNROLL(3)
      for (int v = 0; v < vectors; ++v)
        dots[i][v] = ByteDots::start(strip + starts_at + v * ByteDots::bytes);
    }
    HWY_UNROLL(8)
    for (int k = 0; k < e2m1_block / 4; ++k) {
      ByteDots::Bytes right[vectors];
      HWY_UNROLL(3)
      for (int v = 0; v < vectors; ++v)
        right[v] = ByteDots::load(strip + (k * e2m1_strip_rows * 4) + v * ByteDots::bytes);
      HWY_UNROLL(4)
      for (int i = 0; i < Rows; ++i) {
        const auto left = ByteDots::four(codes + i * stride + b * e2m1_block + k * 4);
        HWY_UNROLL(3)
        for (int v = 0; v < vectors; ++v)
          dots[i][v] = ByteDots::add(dots[i][v], left, right[v]);
      }
    }
    HWY_UNROLL(4)
    for (int i = 0; i < Rows; ++i) {
      const auto scale = ByteDots::one(scales_after(scales, i * stride) + b);
      HWY_UNROLL(3)
      for (int v = 0; v < vectors; ++v)
        sums[i][v] = ByteDots::finish(dots[i][v], strip + starts_at + v * ByteDots::bytes,
                                      strip + origins_at + v * ByteDots::bytes, scale, sums[i][v]);
    }
  }
  HWY_UNROLL(4)
  for (int i = 0; i < Rows; ++i) {
    HWY_UNROLL(3)
    for (int v = 0; v < vectors; ++v)
      ByteDots::store(sums[i][v], out + i * out_stride + v * ByteDots::lanes);
  }
}

/// One part of the depth: all rows for each group of the strip's rows that a tile holds.
void packed_part(std::int64_t rows, std::int64_t blocks, const std::uint8_t* codes,
                 const float* scales, std::int64_t stride, const std::uint8_t* strip,
                 StripStarts starts, float* out, std::int64_t out_stride) {
  constexpr int group = ByteDots::vectors * ByteDots::lanes;
  for (std::int64_t j = 0; j < e2m1_strip_rows;
       j += group, strip += group * 4, out += group, starts.data += group) {
    std::int64_t i = 0;
    for (; i + ByteDots::rows <= rows; i += ByteDots::rows)
      packed_tile<ByteDots::rows>(blocks, codes + i * stride, scales_after(scales, i * stride),
                                  stride, strip, {starts.row(i), starts.stride},
                                  out + i * out_stride, out_stride);
    for (; i < rows; ++i)
      packed_tile<1>(blocks, codes + i * stride, scales_after(scales, i * stride), stride, strip,
                     {starts.row(i), starts.stride}, out + i * out_stride, out_stride);
  }
}

void packed(std::int64_t rows, std::int64_t columns, const std::uint8_t* encoded,
            const std::uint8_t* strip, const float* start, float* out, std::int64_t out_stride) {
  StripStarts starts{start, 0};
  const std::int64_t blocks = columns / e2m1_block, stride = encoded_bytes(columns);
  const float* scales = reinterpret_cast<const float*>(encoded + columns);
  for (std::int64_t b = 0; b < blocks; b += blocks_at_once) {
    packed_part(rows, std::min(blocks_at_once, blocks - b), encoded + b * e2m1_block, scales + b,
                stride, strip + b * block_bytes, starts, out, out_stride);
    starts = {out, out_stride};
  }
}

#else

void packed(std::int64_t rows, std::int64_t columns, const std::uint8_t* encoded,
            const std::uint8_t* strip, const float* start, float* out, std::int64_t out_stride) {
  reference::packed_product(rows, columns, encoded, strip, start, out, out_stride);
}

#endif

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(packed);

void packed_product(std::int64_t rows, std::int64_t columns, const std::uint8_t* encoded,
                    const std::uint8_t* strip, const float* start, float* out,
                    std::int64_t out_stride) {
  HWY_DYNAMIC_DISPATCH(packed)(rows, columns, encoded, strip, start, out, out_stride);
}

} // namespace latticelens
#endif
