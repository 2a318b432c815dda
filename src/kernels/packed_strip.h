// How packed_product lays out one block of a strip.
#pragma once
#include "kernels/packed_product.h"

namespace latticelens {

constexpr int encoded_zero = 12; // the byte of the value 0: bytes are unsigned
constexpr std::int64_t corrections_at = e2m1_strip_rows * e2m1_block;
constexpr std::int64_t scales_at = corrections_at + e2m1_strip_rows * 4;
constexpr std::int64_t block_bytes = scales_at + e2m1_strip_rows * 4;

/// Scales lie in the encoded rows, whose stride is in bytes, a multiple of 4.
inline const float* scales_after(const float* scales, std::int64_t bytes) {
  return scales + bytes / 4;
}

} // namespace latticelens
