// The k-quants: superblocks of 256 values, whose sub-blocks of 16 or 32 have small integer scales
// under one or two fp16 scales.
#include "tensor/gguf_code_bits.h"
#include "tensor/gguf_decoders.h"

namespace latticelens::gguf {
namespace {

/// Scale j of Q3_K's 16: four low bits in the nibbles of bytes 0-7, two high bits in bytes 8-11.
int six_bit_scale(const std::uint8_t (&packed)[12], int j) {
  const int low = j < 8 ? packed[j] & 15 : packed[j - 8] >> 4;
  return (low | (packed[8 + j % 4] >> (2 * (j / 4)) & 3) << 4) - 32;
}

void decode_block(const Q2K& block, float* out) {
  const float scale = half_to_float(block.scale), minimum = half_to_float(block.minimum);
  for (int j = 0; j < 16; ++j) { // sub-blocks of 16
    const float step = scale * static_cast<float>(block.scales[j] & 15);
    const float offset = minimum * static_cast<float>(block.scales[j] >> 4);
    const std::uint8_t* pairs = block.pairs + 32 * (j / 8) + 16 * (j % 2);
    const int shift = j / 2 % 4 * 2;
    for (int l = 0; l < 16; ++l)
      out[16 * j + l] = step * static_cast<float>(pairs[l] >> shift & 3) - offset;
  }
}

void decode_block(const Q3K& block, float* out) {
  const float scale = half_to_float(block.scale);
  for (int j = 0; j < 16; ++j) { // sub-blocks of 16
    const float step = scale * static_cast<float>(six_bit_scale(block.scales, j));
    const std::uint8_t* pairs = block.pairs + 32 * (j / 8) + 16 * (j % 2);
    const std::uint8_t* third = block.third_bits + 16 * (j % 2);
    const int shift = j / 2 % 4 * 2, bit = j / 2;
    for (int l = 0; l < 16; ++l) {
      const int code = (pairs[l] >> shift & 3) + (third[l] >> bit & 1) * 4 - 4;
      out[16 * j + l] = step * static_cast<float>(code);
    }
  }
}

void decode_block(const Q4K& block, float* out) {
  const float scale = half_to_float(block.scale), minimum = half_to_float(block.minimum);
  for (int j = 0; j < 8; ++j) { // sub-blocks of 32
    const ScaleAndMinimum pair = six_bit_pair(block.scales, j);
    const float step = scale * static_cast<float>(pair.scale);
    const float offset = minimum * static_cast<float>(pair.minimum);
    const std::uint8_t* nibbles = block.nibbles + 32 * (j / 2);
    const int shift = j % 2 * 4;
    for (int l = 0; l < 32; ++l)
      out[32 * j + l] = step * static_cast<float>(nibbles[l] >> shift & 15) - offset;
  }
}

void decode_block(const Q5K& block, float* out) {
  const float scale = half_to_float(block.scale), minimum = half_to_float(block.minimum);
  for (int j = 0; j < 8; ++j) { // sub-blocks of 32
    const ScaleAndMinimum pair = six_bit_pair(block.scales, j);
    const float step = scale * static_cast<float>(pair.scale);
    const float offset = minimum * static_cast<float>(pair.minimum);
    const std::uint8_t* nibbles = block.nibbles + 32 * (j / 2);
    const int shift = j % 2 * 4;
    for (int l = 0; l < 32; ++l) {
      const int code = (nibbles[l] >> shift & 15) + (block.fifth_bits[l] >> j & 1) * 16;
      out[32 * j + l] = step * static_cast<float>(code) - offset;
    }
  }
}

void decode_block(const Q6K& block, float* out) {
  const float scale = half_to_float(block.scale);
  for (int j = 0; j < 16; ++j) { // sub-blocks of 16
    const float step = scale * static_cast<float>(block.scales[j]);
    const int half = j / 8, quarter = j / 2 % 4, first = 16 * (j % 2);
    const std::uint8_t* nibbles = block.nibbles + 64 * half + 32 * (quarter % 2) + first;
    const std::uint8_t* pairs = block.pairs + 32 * half + first;
    for (int l = 0; l < 16; ++l) {
      const int code = (nibbles[l] >> (quarter / 2 * 4) & 15) | (pairs[l] >> (2 * quarter) & 3)
                                                                    << 4;
      out[16 * j + l] = step * static_cast<float>(code - 32);
    }
  }
}

template<typename Block>
void decode_superblocks(Bytes blocks, Values values) {
  for_each_block<Block, 256>(blocks, values,
                             [](const Block& block, float* out) { decode_block(block, out); });
}

} // namespace

void decode_q2_k(Bytes blocks, Values values) {
  decode_superblocks<Q2K>(blocks, values);
}
void decode_q3_k(Bytes blocks, Values values) {
  decode_superblocks<Q3K>(blocks, values);
}
void decode_q4_k(Bytes blocks, Values values) {
  decode_superblocks<Q4K>(blocks, values);
}
void decode_q5_k(Bytes blocks, Values values) {
  decode_superblocks<Q5K>(blocks, values);
}
void decode_q6_k(Bytes blocks, Values values) {
  decode_superblocks<Q6K>(blocks, values);
}

} // namespace latticelens::gguf
