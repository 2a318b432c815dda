// Plain floats and the formats of 32 values with one scale (Q4_0 ... Q8_0).
#include "core/error.h"
#include "kernels/narrow_floats.h"
#include "tensor/gguf_code_bits.h"
#include "tensor/gguf_encoders.h"

#include <algorithm>
#include <bit>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#include <cmath>

namespace latticelens::gguf {
namespace {

constexpr std::size_t block_length = 32; // known to the compiler, loops become vectors
using Codes = std::uint8_t[block_length];

float inverse_of(float scale) {
  return scale != 0 ? 1 / scale : 0;
}

/// Bits of magnitudes have the order of the magnitudes.
float largest_magnitude(Numbers values) {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < block_length; ++i)
    largest = std::max(largest, std::bit_cast<std::int32_t>(values[i]) & 0x7fffffff);
  return std::bit_cast<float>(largest);
}

/// std::round of numbers that fit into an int: the number below a half keeps what lies below a tie
/// below it.
int rounded(float value) {
  constexpr float below_half = 0.49999997f;
  return static_cast<int>(value + std::copysign(below_half, value));
}

/// Codes of scale * (code - middle), from the scale before it is stored.
void symmetric_codes(Numbers values, float scale, int middle, Codes& codes) {
  const float inverse = inverse_of(scale);
  for (std::size_t i = 0; i < block_length; ++i)
    codes[i] = static_cast<std::uint8_t>(
        std::clamp(static_cast<int>(values[i] * inverse + (static_cast<float>(middle) + 0.5f)), 0,
                   2 * middle - 1));
}

void affine_codes(Numbers values, AffineScale scale, int most, Codes& codes) {
  const float inverse = inverse_of(scale.scale);
  for (std::size_t i = 0; i < block_length; ++i)
    codes[i] = static_cast<std::uint8_t>(
        std::clamp(static_cast<int>((values[i] - scale.minimum) * inverse + 0.5f), 0, most));
}

/// The scale that puts the value of the largest magnitude on the lowest code, or the best weighted.
float symmetric_scale(Numbers values, Numbers weights, int middle) {
  if (!weights.empty())
    return search_symmetric_scale(values, weights, -middle);
  const float largest = largest_magnitude(values);
  const float extreme = *std::ranges::find(values, largest, [](float x) { return std::fabs(x); });
  return (largest > 0 ? extreme : 0.0f) / static_cast<float>(-middle);
}

AffineScale affine_scale(Numbers values, Numbers weights, int most) {
  if (!weights.empty())
    return search_affine_scale(values, weights,
                               {.most = most, .first = -0.9f, .step = 0.05f, .count = 36});
  const auto [least, largest] = std::ranges::minmax(values);
  return {(largest - least) / static_cast<float>(most), least};
}

template<typename Block, int middle>
Block symmetric_block(Numbers x, Numbers w) {
  Block block;
  Codes codes;
  const float scale = symmetric_scale(x, w, middle);
  block.scale = half_bits(scale);
  symmetric_codes(x, scale, middle, codes);
  put_codes(codes, block);
  return block;
}

template<typename Block, int most>
Block affine_block(Numbers x, Numbers w) {
  Block block;
  Codes codes;
  const AffineScale scale = affine_scale(x, w, most);
  block.scale = half_bits(scale.scale);
  block.minimum = half_bits(scale.minimum);
  affine_codes(x, scale, most, codes);
  put_codes(codes, block);
  return block;
}

} // namespace

std::uint16_t half_bits(float value) {
  const std::uint16_t bits = c10::Half(value).x;
  if ((bits & 0x7fff) >= 0x7c00 && std::isfinite(value)) // a text for each value would cost most
    throw Error("gguf",
                "a number of " + std::to_string(value) +
                    " does not fit into fp16; choose a type that stores fp32, bf16 or E8M0 scales");
  return bits;
}

void encode_f32(Numbers values, Numbers, Blocks blocks) {
  if (!values.empty())
    std::memcpy(blocks.data(), values.data(), blocks.size());
}

void encode_f16(Numbers values, Numbers, Blocks blocks) {
  std::uint16_t halves[1024]; // the file's bytes need no alignment
  for (std::size_t first = 0; first < values.size(); first += std::size(halves)) {
    const Numbers part = values.subspan(first, std::min(std::size(halves), values.size() - first));
    const std::span<std::uint16_t> own(halves, part.size());
    if (!narrow_to_half(part, own))
      std::ranges::for_each(part, half_bits); // says which number it was
    std::memcpy(blocks.data() + first * sizeof halves[0], halves, own.size_bytes());
  }
}

void encode_bf16(Numbers values, Numbers, Blocks blocks) {
  for_each_encoded<std::uint16_t, 1>(values, {}, blocks, [](Numbers value, Numbers) {
    return c10::detail::round_to_nearest_even(value[0]);
  });
}

void encode_q4_0(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q4_0, 32>(values, weights, blocks, symmetric_block<Q4_0, 8>);
}

void encode_q4_1(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q4_1, 32>(values, weights, blocks, affine_block<Q4_1, 15>);
}

void encode_q5_0(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q5_0, 32>(values, weights, blocks, symmetric_block<Q5_0, 16>);
}

void encode_q5_1(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q5_1, 32>(values, weights, blocks, affine_block<Q5_1, 31>);
}

void encode_q8_0(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q8_0, 32>(values, weights, blocks, [](Numbers x, Numbers) {
    Q8_0 block;
    const float scale = largest_magnitude(x) / 127, inverse = inverse_of(scale);
    block.scale = half_bits(scale);
    for (std::size_t i = 0; i < block_length; ++i) // ties away from zero
      block.codes[i] = static_cast<std::int8_t>(rounded(x[i] * inverse));
    return block;
  });
}

} // namespace latticelens::gguf
