// Plain floats and the formats of 32 values with one scale (Q4_0 ... Q8_0).
#include "kernels/narrow_floats.h"
#include "tensor/gguf_block_layouts.h"
#include "tensor/gguf_decoders.h"
#include <algorithm>

namespace latticelens::gguf {
namespace {

/// The 32 five-bit codes of a block.
template<typename Block>
void five_bit_codes(const Block& block, int (&codes)[32]) {
  std::uint32_t fifth = 0;
  std::memcpy(&fifth, block.fifth_bits, sizeof fifth);
  for (int j = 0; j < 16; ++j) {
    codes[j] = static_cast<int>((block.nibbles[j] & 15u) | ((fifth >> j & 1u) << 4));
    codes[j + 16] = static_cast<int>((block.nibbles[j] >> 4) | ((fifth >> (j + 16) & 1u) << 4));
  }
}

/// The file's bytes need no alignment, so they go through a copy.
template<typename Widen>
void widen(Bytes blocks, Values values, const Widen& to_floats) {
  std::uint16_t bits[1024];
  for (std::size_t first = 0; first < values.size(); first += std::size(bits)) {
    const Values part = values.subspan(first, std::min(std::size(bits), values.size() - first));
    const std::span<std::uint16_t> own(bits, part.size());
    std::memcpy(bits, blocks.data() + first * sizeof bits[0], own.size_bytes());
    to_floats(own, part);
  }
}

} // namespace

void decode_f32(Bytes blocks, Values values) {
  if (!blocks.empty())
    std::memcpy(values.data(), blocks.data(), blocks.size());
}

void decode_f16(Bytes blocks, Values values) {
  widen(blocks, values, widen_half);
}

void decode_bf16(Bytes blocks, Values values) {
  widen(blocks, values, widen_bf16);
}

void decode_q4_0(Bytes blocks, Values values) {
  for_each_block<Q4_0, 32>(blocks, values, [](const Q4_0& block, float* out) {
    const float scale = half_to_float(block.scale);
    for (int j = 0; j < 16; ++j)
      out[j] = static_cast<float>((block.nibbles[j] & 15) - 8) * scale;
    for (int j = 0; j < 16; ++j)
      out[j + 16] = static_cast<float>((block.nibbles[j] >> 4) - 8) * scale;
  });
}

void decode_q4_1(Bytes blocks, Values values) {
  for_each_block<Q4_1, 32>(blocks, values, [](const Q4_1& block, float* out) {
    const float scale = half_to_float(block.scale), minimum = half_to_float(block.minimum);
    for (int j = 0; j < 16; ++j)
      out[j] = static_cast<float>(block.nibbles[j] & 15) * scale + minimum;
    for (int j = 0; j < 16; ++j)
      out[j + 16] = static_cast<float>(block.nibbles[j] >> 4) * scale + minimum;
  });
}

void decode_q5_0(Bytes blocks, Values values) {
  for_each_block<Q5_0, 32>(blocks, values, [](const Q5_0& block, float* out) {
    const float scale = half_to_float(block.scale);
    int codes[32];
    five_bit_codes(block, codes);
    for (int j = 0; j < 32; ++j)
      out[j] = static_cast<float>(codes[j] - 16) * scale;
  });
}

void decode_q5_1(Bytes blocks, Values values) {
  for_each_block<Q5_1, 32>(blocks, values, [](const Q5_1& block, float* out) {
    const float scale = half_to_float(block.scale), minimum = half_to_float(block.minimum);
    int codes[32];
    five_bit_codes(block, codes);
    for (int j = 0; j < 32; ++j)
      out[j] = static_cast<float>(codes[j]) * scale + minimum;
  });
}

void decode_q8_0(Bytes blocks, Values values) {
  for_each_block<Q8_0, 32>(blocks, values, [](const Q8_0& block, float* out) {
    const float scale = half_to_float(block.scale);
    for (int j = 0; j < 32; ++j)
      out[j] = static_cast<float>(block.codes[j]) * scale;
  });
}

} // namespace latticelens::gguf
