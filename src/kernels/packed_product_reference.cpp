#include "kernels/packed_strip.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

namespace latticelens {

void decode_row(const std::uint8_t* encoded, std::span<float> values) {
  const std::uint8_t* scales = encoded + values.size();
  for (std::size_t first = 0; first < values.size(); first += e2m1_block, scales += 4) {
    float scale = 0, block[e2m1_block]; // of its own, so that the compiler sees no overlap
    std::uint8_t codes[e2m1_block];
    std::memcpy(&scale, scales, 4);
    std::memcpy(codes, encoded + first, e2m1_block);
    for (std::size_t i = 0; i < e2m1_block; ++i)
      block[i] = static_cast<float>(codes[i] - encoded_zero) * (scale / 2);
    std::memcpy(&values[first], block, sizeof(block));
  }
}

namespace {

/// One block of row `j` of a strip.
void pack_block(const std::uint8_t* codes, float scale, std::int64_t j, std::uint8_t* to) {
  std::uint8_t offset_free[e2m1_block];
  std::int32_t sum = 0;
  for (std::int64_t k = 0; k < e2m1_block; ++k) {
    offset_free[k] = static_cast<std::uint8_t>(codes[k] - encoded_zero);
    sum += codes[k] - encoded_zero;
  }
  for (std::int64_t k = 0; k < e2m1_block; k += 4)
    std::memcpy(to + k * e2m1_strip_rows + j * 4, offset_free + k, 4);
  const float origin = scale / 4 * sum_origin;
  const std::int32_t start = std::bit_cast<std::int32_t>(origin) - encoded_zero * sum;
  std::memcpy(to + starts_at + j * 4, &start, 4);
  std::memcpy(to + origins_at + j * 4, &origin, 4);
}

} // namespace

void pack_strip(const std::uint8_t* encoded, std::int64_t rows, std::int64_t columns,
                std::uint8_t* strip) {
  if (rows < e2m1_strip_rows)
    std::memset(strip, 0, static_cast<std::size_t>(strip_bytes(columns)));
  for (std::int64_t j = 0; j < rows; ++j, encoded += encoded_bytes(columns))
    for (std::int64_t b = 0; b < columns / e2m1_block; ++b) {
      float scale = 0;
      std::memcpy(&scale, encoded + columns + b * 4, 4);
      pack_block(encoded + b * e2m1_block, scale, j, strip + b * block_bytes);
    }
}

void unpack_row(const std::uint8_t* strip, std::int64_t j, std::span<float> values) {
  for (std::size_t first = 0; first < values.size(); first += e2m1_block, strip += block_bytes) {
    float origin = 0;
    std::memcpy(&origin, strip + origins_at + j * 4, 4);
    const float half_scale = origin / sum_origin * 2; // of the doubled values
    for (std::int64_t k = 0; k < e2m1_block; ++k) {
      const std::uint8_t byte = strip[(k / 4 * e2m1_strip_rows + j) * 4 + k % 4];
      values[first + k] = static_cast<float>(static_cast<std::int8_t>(byte)) * half_scale;
    }
  }
}

namespace reference {

void packed_product(std::int64_t rows, std::int64_t columns, const std::uint8_t* encoded,
                    const std::uint8_t* strip, const float* start, float* out,
                    std::int64_t out_stride) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < e2m1_strip_rows; ++j)
      for (std::int64_t b = 0; b < columns / e2m1_block; ++b) {
        const std::uint8_t* left = encoded + i * encoded_bytes(columns);
        const std::uint8_t* right = strip + b * block_bytes;
        std::int32_t dot = 0;
        for (std::int64_t k = 0; k < e2m1_block; ++k)
          dot += (left[b * e2m1_block + k] - encoded_zero) *
                 static_cast<std::int8_t>(right[(k / 4 * e2m1_strip_rows + j) * 4 + k % 4]);
        float x_scale = 0, origin = 0;
        std::memcpy(&x_scale, left + columns + b * 4, 4);
        std::memcpy(&origin, right + origins_at + j * 4, 4);
        const float sum = b == 0 ? start[j] : out[i * out_stride + j];
        out[i * out_stride + j] =
            std::fma(static_cast<float>(dot) * (origin / sum_origin), x_scale, sum);
      }
}

} // namespace reference
} // namespace latticelens
