// What the decoder files share: one function per block format, the walk over blocks, fp16.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace latticelens::gguf {

static_assert(std::endian::native == std::endian::little, "the blocks are little endian");

using Bytes = std::span<const std::byte>;
using Values = std::span<float>;

void decode_f32(Bytes blocks, Values values);
void decode_f16(Bytes blocks, Values values);
void decode_bf16(Bytes blocks, Values values);
void decode_q4_0(Bytes blocks, Values values);
void decode_q4_1(Bytes blocks, Values values);
void decode_q5_0(Bytes blocks, Values values);
void decode_q5_1(Bytes blocks, Values values);
void decode_q8_0(Bytes blocks, Values values);
void decode_q2_k(Bytes blocks, Values values);
void decode_q3_k(Bytes blocks, Values values);
void decode_q4_k(Bytes blocks, Values values);
void decode_q5_k(Bytes blocks, Values values);
void decode_q6_k(Bytes blocks, Values values);
void decode_iq4_nl(Bytes blocks, Values values);
void decode_iq4_xs(Bytes blocks, Values values);
void decode_mxfp4(Bytes blocks, Values values);
void decode_nvfp4(Bytes blocks, Values values);

/// IEEE half bits to fp32, exact; subnormals without subnormal arithmetic, so that a
/// flush-to-zero mode does not matter.
inline float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7fff) << 13;
  const std::uint32_t exponent = magnitude & 0x0f800000;
  std::uint32_t bits = magnitude + (112u << 23);
  if (exponent == 0x0f800000) // infinity or NaN
    bits += 112u << 23;
  else if (exponent == 0) // 2^-14 + mantissa, less 2^-14
    bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>(bits + (1u << 23)) - 0x1p-14f);
  return std::bit_cast<float>(bits | sign);
}

/// Calls decode(block, output) for every block. `Block` mirrors the file's layout; the local copy
/// needs no alignment and lets the compiler vectorize.
template<typename Block, std::size_t values_per_block, typename Decode>
void for_each_block(Bytes blocks, Values values, Decode decode) {
  const std::size_t count = blocks.size() / sizeof(Block);
  const std::byte* from = blocks.data();
  float* to = values.data();
  for (std::size_t i = 0; i < count; ++i, from += sizeof(Block), to += values_per_block) {
    Block block;
    std::memcpy(&block, from, sizeof block);
    decode(block, to);
  }
}

} // namespace latticelens::gguf
