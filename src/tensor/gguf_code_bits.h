// Where the codes of a block's values lie in its bytes: writing them, and reading packed scales.
#pragma once
#include "tensor/gguf_block_layouts.h"
#include <cstring>

namespace latticelens::gguf {

struct ScaleAndMinimum {
  int scale, minimum;
};

/// Pair j of 8 six-bit pairs in 12 bytes: the first four lie in the low bits of bytes 0-7, the last
/// four in the nibbles of bytes 8-11 and the high bits of bytes 0-7.
inline ScaleAndMinimum six_bit_pair(const std::uint8_t (&packed)[12], int j) {
  if (j < 4)
    return {packed[j] & 63, packed[j + 4] & 63};
  return {(packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4, (packed[j + 4] >> 4) | (packed[j] >> 6)
                                                                                       << 4};
}

/// The inverse; the bytes are zero before the first pair.
inline void put_six_bit_pair(std::uint8_t (&packed)[12], int j, ScaleAndMinimum pair) {
  const auto add = [&](int at, int bits) {
    packed[at] = static_cast<std::uint8_t>(packed[at] | bits);
  };
  if (j < 4) {
    add(j, pair.scale);
    add(j + 4, pair.minimum);
    return;
  }
  add(j + 4, (pair.scale & 15) | (pair.minimum & 15) << 4);
  add(j - 4, (pair.scale >> 4) << 6);
  add(j, (pair.minimum >> 4) << 6);
}

/// Blocks of 32: the low four bits, then the fifth.
inline void put_nibbles(const std::uint8_t* codes, std::uint8_t (&nibbles)[16]) {
  for (int j = 0; j < 16; ++j)
    nibbles[j] = static_cast<std::uint8_t>((codes[j] & 15) | (codes[j + 16] & 15) << 4);
}
inline void put_fifth_bits(const std::uint8_t* codes, std::uint8_t (&bits)[4]) {
  std::uint32_t fifth = 0;
  for (int j = 0; j < 32; ++j)
    fifth |= static_cast<std::uint32_t>(codes[j] >> 4 & 1) << j;
  std::memcpy(bits, &fifth, sizeof fifth);
}

/// Superblocks of 256: sub-blocks 2 p and 2 p + 1 share 32 bytes; fifth bits lie across.
inline void put_nibbles(const std::uint8_t* codes, std::uint8_t (&nibbles)[128]) {
  for (int p = 0; p < 4; ++p)
    for (int l = 0; l < 32; ++l)
      nibbles[32 * p + l] =
          static_cast<std::uint8_t>((codes[64 * p + l] & 15) | (codes[64 * p + l + 32] & 15) << 4);
}
inline void put_fifth_bits(const std::uint8_t* codes, std::uint8_t (&bits)[32]) {
  for (int l = 0; l < 32; ++l) {
    int packed = 0;
    for (int s = 0; s < 8; ++s)
      packed |= (codes[32 * s + l] >> 4 & 1) << s;
    bits[l] = static_cast<std::uint8_t>(packed);
  }
}

/// The codes of any block whose low four bits are nibbles, the fifth where it has one.
template<typename Block>
void put_codes(const std::uint8_t* codes, Block& block) {
  put_nibbles(codes, block.nibbles);
  if constexpr (requires { block.fifth_bits; })
    put_fifth_bits(codes, block.fifth_bits);
}

/// Q6_K: quarters q of each half lie in bit pairs q, their nibbles two quarters a byte.
inline void put_six_bits(const std::uint8_t* codes, Q6K& block) {
  for (int half = 0; half < 2; ++half)
    for (int l = 0; l < 32; ++l) {
      const std::uint8_t* code = codes + 128 * half + l;
      std::uint8_t* nibbles = block.nibbles + 64 * half + l;
      nibbles[0] = static_cast<std::uint8_t>((code[0] & 15) | (code[64] & 15) << 4);
      nibbles[32] = static_cast<std::uint8_t>((code[32] & 15) | (code[96] & 15) << 4);
      block.pairs[32 * half + l] = static_cast<std::uint8_t>(
          code[0] >> 4 | (code[32] >> 4) << 2 | (code[64] >> 4) << 4 | (code[96] >> 4) << 6);
    }
}

} // namespace latticelens::gguf
