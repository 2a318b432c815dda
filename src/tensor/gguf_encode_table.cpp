// Formats of 4-bit codes into a table: IQ4_NL and the microscaling FP4 formats.
#include "tensor/gguf_block_layouts.h"
#include "tensor/gguf_encoders.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace latticelens::gguf {
namespace {

constexpr int tries_of_iq4 = 7; // scales tried on both sides of the first

float largest_of(Numbers values) {
  float largest = 0;
  for (const float value : values)
    largest = std::max(largest, std::fabs(value));
  return largest;
}

/// Codes of the table's nearest entries, the first of equals: on a tie the smaller magnitude, and 0
/// before -0. What lies between two entries is exact, for a scale has few bits.
template<int count>
void nearest_e2m1(Numbers values, float half_scale, std::int32_t (&codes)[count]) {
  for (int i = 0; i < 7; ++i) {
    const float middle = static_cast<float>(doubled_e2m1[i] + doubled_e2m1[i + 1]) / 2,
                end = half_scale > 0 ? middle * half_scale : HUGE_VALF;
    for (std::size_t j = 0; j < count; ++j)
      codes[j] += std::fabs(values[j]) > end ? 1 : 0;
  }
  for (std::size_t j = 0; j < count; ++j)
    codes[j] += values[j] < 0 && codes[j] > 0 ? 8 : 0;
}

template<int bytes>
void put_e2m1(Numbers values, float half_scale, std::uint8_t* nibbles) {
  std::int32_t codes[2 * bytes] = {};
  nearest_e2m1(values, half_scale, codes);
  for (int j = 0; j < bytes; ++j)
    nibbles[j] = static_cast<std::uint8_t>(codes[j] | codes[j + bytes] << 4);
}

/// The nearest E4M3 number as ggml has it: ties up, never from 0x07 to 0x08, 448 from 256 on.
std::uint8_t e4m3_bits(float value) {
  if (value >= 256)
    return 0x7e;
  if (value < 0x1p-6f)
    return static_cast<std::uint8_t>(std::min(7, static_cast<int>(value * 0x1p9f + 0.5f)));
  const int exponent = std::ilogb(value);
  const int steps = static_cast<int>(std::ldexp(value, 3 - exponent) + 0.5f); // 8 .. 16
  return static_cast<std::uint8_t>(std::min(0x7e, ((exponent + 7) << 3) + steps - 8));
}

float e4m3_value(std::uint8_t bits) {
  const int exponent = bits >> 3, mantissa = bits & 7;
  return exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                       : std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
}

} // namespace

void encode_iq4_nl(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Iq4Nl, 32>(values, weights, blocks, [](Numbers x, Numbers w) {
    float squares[32];
    for (std::size_t i = 0; i < x.size(); ++i)
      squares[i] = x[i] * x[i];
    const float scale =
        search_table_scale(x, w.empty() ? Numbers(squares) : w, nonlinear, tries_of_iq4);
    const float inverse = scale != 0 ? 1 / scale : 0;
    Iq4Nl block;
    block.scale = half_bits(scale);
    for (std::size_t j = 0; j < 16; ++j)
      block.nibbles[j] =
          static_cast<std::uint8_t>(nearest_index(nonlinear, inverse * x[j]) |
                                    nearest_index(nonlinear, inverse * x[j + 16]) << 4);
    return block;
  });
}

void encode_mxfp4(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Mxfp4, 32>(values, weights, blocks, [](Numbers x, Numbers) {
    const float largest = largest_of(x);
    const int exponent = largest > 0 ? std::clamp(std::ilogb(largest) - 2 + 127, 0, 254) : 0;
    Mxfp4 block;
    block.exponent = static_cast<std::uint8_t>(exponent);
    put_e2m1<16>(x, std::ldexp(1.0f, exponent - 128), block.nibbles);
    return block;
  });
}

void encode_nvfp4(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Nvfp4, 64>(values, weights, blocks, [](Numbers x, Numbers) {
    Nvfp4 block;
    for (std::size_t j = 0; j < 4; ++j) {
      const Numbers part = x.subspan(16 * j, 16);
      block.scales[j] = e4m3_bits(largest_of(part) / 6);
      put_e2m1<8>(part, e4m3_value(block.scales[j]) / 2, block.nibbles + 8 * j);
    }
    return block;
  });
}

} // namespace latticelens::gguf
