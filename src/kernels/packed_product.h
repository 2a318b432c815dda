// The exact product of two matrices of 4-bit floats (E2M1, a power of two for each 32 values):
// twice a value is an integer, so two blocks give an integer times a power of two.
#pragma once
#include "kernels/microscale.h"
#include <cstdint>
#include <span>

namespace latticelens {

constexpr std::int64_t e2m1_block = 32;
/// Rows of a weight that are packed together.
constexpr std::int64_t e2m1_strip_rows = 48;

/// An encoded row (kernels/packed_encode.h): a byte 2 v + 12 for each value v, then each block's
/// scale in fp32.
constexpr std::int64_t encoded_bytes(std::int64_t columns) {
  return columns + columns / e2m1_block * 4;
}

void decode_row(const std::uint8_t* encoded, std::span<float> values);

/// Bytes of a strip: for each block its codes (four columns of each row side by side), then what
/// takes the 12 off again and what has the scales (packed_strip.h).
constexpr std::int64_t strip_bytes(std::int64_t columns) {
  return columns / e2m1_block * e2m1_strip_rows * (e2m1_block + 4 + 4);
}

/// No scale of a weight may be larger: the product of two scales stays finite.
constexpr float largest_weight_scale = 4;

/// Packs up to e2m1_strip_rows encoded rows; the rest of the strip is zeros.
void pack_strip(const std::uint8_t* encoded, std::int64_t rows, std::int64_t columns,
                std::uint8_t* strip);

/// Back to values: row `j` of a strip, [columns] of them.
void unpack_row(const std::uint8_t* strip, std::int64_t j, std::span<float> values);

/// out [rows, e2m1_strip_rows] = start [e2m1_strip_rows], the same for every row, + x wᵀ of encoded
/// rows x and a strip w. A sum runs over the blocks in their order, in fp32; all else is exact.
void packed_product(std::int64_t rows, std::int64_t columns, const std::uint8_t* encoded,
                    const std::uint8_t* strip, const float* start, float* out,
                    std::int64_t out_stride);

/// The obvious implementation.
namespace reference {
void packed_product(std::int64_t rows, std::int64_t columns, const std::uint8_t* encoded,
                    const std::uint8_t* strip, const float* start, float* out,
                    std::int64_t out_stride);
} // namespace reference

} // namespace latticelens
