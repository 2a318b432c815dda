// How packed_product lays out one block of a strip.
#pragma once
#include "kernels/packed_product.h"

namespace latticelens {

constexpr int encoded_zero = 12; // the byte of the value 0: bytes are unsigned
// Behind a block's codes: what its rows' sums of products start from, and what they start from for
// nothing. The latter is a quarter of the scale (both factors are doubled) times `sum_origin`,
// whose last bit is worth 1: a sum of integers that starts at its bits is, read as a float, the
// origin plus the sum, times the scale. So no product with the scale is needed, and all of it is
// exact.
constexpr std::int64_t starts_at = e2m1_strip_rows * e2m1_block;
constexpr std::int64_t origins_at = starts_at + e2m1_strip_rows * 4;
constexpr std::int64_t block_bytes = origins_at + e2m1_strip_rows * 4;
constexpr float sum_origin = 0x1.8p23f;

/// Scales lie in the encoded rows, whose stride is in bytes, a multiple of 4.
inline const float* scales_after(const float* scales, std::int64_t bytes) {
  return scales + bytes / 4;
}

} // namespace latticelens
