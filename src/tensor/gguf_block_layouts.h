// How GGUF's blocks lie in a file, and the tables of their codes. Little endian, without gaps.
// Facts: https://github.com/ggml-org/ggml (block layouts).
#pragma once
#include <cstdint>

namespace latticelens::gguf {

struct Q4_0 {
  std::uint16_t scale;
  std::uint8_t nibbles[16]; // value j low, value j + 16 high
};
struct Q4_1 {
  std::uint16_t scale, minimum;
  std::uint8_t nibbles[16];
};
struct Q5_0 {
  std::uint16_t scale;
  std::uint8_t fifth_bits[4]; // bit j is value j's
  std::uint8_t nibbles[16];
};
struct Q5_1 {
  std::uint16_t scale, minimum;
  std::uint8_t fifth_bits[4];
  std::uint8_t nibbles[16];
};
struct Q8_0 {
  std::uint16_t scale;
  std::int8_t codes[32];
};
static_assert(sizeof(Q4_0) == 18 && sizeof(Q4_1) == 20 && sizeof(Q5_0) == 22 &&
              sizeof(Q5_1) == 24 && sizeof(Q8_0) == 34);

inline constexpr int nonlinear[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};
// Twice the E2M1 values, so that they are integers; code 8 gives +0 as ggml's integer table does.
inline constexpr int doubled_e2m1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

struct Iq4Nl {
  std::uint16_t scale;
  std::uint8_t nibbles[16];
};
struct Iq4Xs {
  std::uint16_t scale;
  std::uint16_t scales_high;  // 2 bits for each of 8 sub-blocks
  std::uint8_t scales_low[4]; // 4 bits for each
  std::uint8_t nibbles[128];
};
struct Mxfp4 {
  std::uint8_t exponent; // E8M0
  std::uint8_t nibbles[16];
};
struct Nvfp4 {
  std::uint8_t scales[4]; // E4M3 without a sign, one for 16 values
  std::uint8_t nibbles[32];
};
static_assert(sizeof(Iq4Nl) == 18 && sizeof(Iq4Xs) == 136 && sizeof(Mxfp4) == 17 &&
              sizeof(Nvfp4) == 36);

struct Q2K {
  std::uint8_t scales[16]; // low nibble scale, high nibble minimum
  std::uint8_t pairs[64];  // 2 bits a value; bit pair p of byte l is value 32 p + l of its half
  std::uint16_t scale, minimum;
};
struct Q3K {
  std::uint8_t third_bits[32]; // bit s of byte l is value 32 s + l's
  std::uint8_t pairs[64];
  std::uint8_t scales[12]; // 16 of 6 bits
  std::uint16_t scale;
};
struct Q4K {
  std::uint16_t scale, minimum;
  std::uint8_t scales[12]; // 8 scales and 8 minima of 6 bits
  std::uint8_t nibbles[128];
};
struct Q5K {
  std::uint16_t scale, minimum;
  std::uint8_t scales[12];
  std::uint8_t fifth_bits[32]; // bit s of byte l is value 32 s + l's
  std::uint8_t nibbles[128];
};
struct Q6K {
  std::uint8_t nibbles[128];
  std::uint8_t pairs[64]; // the upper 2 bits
  std::int8_t scales[16];
  std::uint16_t scale;
};
static_assert(sizeof(Q2K) == 84 && sizeof(Q3K) == 110 && sizeof(Q4K) == 144 && sizeof(Q5K) == 176 &&
              sizeof(Q6K) == 210);

} // namespace latticelens::gguf
