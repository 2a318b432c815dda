// Formats of 4-bit codes into a table: IQ4_NL and the microscaling FP4 formats.
#include "kernels/block_codes.h"
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

/// Between the table's magnitudes: on a tie the smaller one is the nearest, and 0 comes before -0.
constexpr float e2m1_ends[7] = {0.5f, 1.5f, 2.5f, 3.5f, 5, 7, 10};

/// Codes of the nearest entries. A scale has few bits, so that its products are exact; with none
/// every value gets the first.
void e2m1_codes(Numbers x, std::span<float> half_scales, std::span<std::uint8_t> codes) {
  for (float& scale : half_scales)
    scale = scale > 0 ? scale : HUGE_VALF;
  magnitude_codes(x, half_scales, e2m1_ends, codes);
}

template<int bytes>
void put_nibbles_of(const std::uint8_t* codes, std::uint8_t* nibbles) {
  for (int j = 0; j < bytes; ++j)
    nibbles[j] = static_cast<std::uint8_t>(codes[j] | codes[j + bytes] << 4);
}

/// NVFP4's scales span half of a kernel's block: the other half is filled with zeros.
void put_sixteen(Numbers values, float half_scale, std::uint8_t* nibbles) {
  float x[32] = {};
  std::uint8_t codes[32];
  std::ranges::copy(values, x);
  e2m1_codes(x, {&half_scale, 1}, codes);
  put_nibbles_of<8>(codes, nibbles);
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

void encode_mxfp4(Numbers values, Numbers, Blocks blocks) {
  constexpr std::size_t at_once = 64;
  for (std::size_t first = 0; first < values.size() / 32; first += at_once) {
    const std::size_t count = std::min(at_once, values.size() / 32 - first);
    const Numbers x = values.subspan(first * 32, count * 32);
    float scales[at_once];
    int exponents[at_once];
    std::uint8_t codes[at_once * 32];
    extreme_values(x, {scales, count});
    for (std::size_t b = 0; b < count; ++b) {
      exponents[b] = scales[b] != 0 ? std::clamp(std::ilogb(scales[b]) - 2 + 127, 0, 254) : 0;
      scales[b] = std::ldexp(1.0f, exponents[b] - 128);
    }
    e2m1_codes(x, {scales, count}, {codes, x.size()});
    for (std::size_t b = 0; b < count; ++b) {
      Mxfp4 block;
      block.exponent = static_cast<std::uint8_t>(exponents[b]);
      put_nibbles_of<16>(codes + b * 32, block.nibbles);
      std::memcpy(blocks.data() + (first + b) * sizeof block, &block, sizeof block);
    }
  }
}

void encode_nvfp4(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Nvfp4, 64>(values, weights, blocks, [](Numbers x, Numbers) {
    Nvfp4 block;
    for (std::size_t j = 0; j < 4; ++j) {
      const Numbers part = x.subspan(16 * j, 16);
      block.scales[j] = e4m3_bits(largest_of(part) / 6);
      put_sixteen(part, e4m3_value(block.scales[j]) / 2, block.nibbles + 8 * j);
    }
    return block;
  });
}

} // namespace latticelens::gguf
