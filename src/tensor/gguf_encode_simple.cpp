// Plain floats and the formats of 32 values with one scale (Q4_0 ... Q8_0).
#include "core/error.h"
#include "kernels/block_codes.h"
#include "kernels/narrow_floats.h"
#include "tensor/gguf_code_bits.h"
#include "tensor/gguf_encoders.h"

#include <algorithm>
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

constexpr std::size_t blocks_at_once = 64; // what a kernel is called for

/// Calls encode(values, first block, count) for some blocks after the other.
template<typename Encode>
void for_some_blocks(Numbers values, const Encode& encode) {
  const std::size_t count = values.size() / block_length;
  for (std::size_t first = 0; first < count; first += blocks_at_once) {
    const std::size_t some = std::min(blocks_at_once, count - first);
    encode(values.subspan(first * block_length, some * block_length), first, some);
  }
}

/// Without weights, codes of scale * (code - middle): the value of the largest magnitude gets the
/// lowest code.
template<typename Block, int middle>
void encode_symmetric(Numbers values, Blocks blocks) {
  for_some_blocks(values, [&](Numbers x, std::size_t first, std::size_t count) {
    float scales[blocks_at_once], inverses[blocks_at_once];
    std::uint8_t codes[blocks_at_once * block_length];
    extreme_values(x, {scales, count});
    for (std::size_t b = 0; b < count; ++b) {
      scales[b] /= static_cast<float>(-middle);
      inverses[b] = inverse_of(scales[b]);
    }
    offset_codes(x, {inverses, count}, static_cast<float>(middle) + 0.5f, 2 * middle - 1,
                 {codes, x.size()});
    for (std::size_t b = 0; b < count; ++b) {
      Block block;
      block.scale = half_bits(scales[b]);
      put_codes(codes + b * block_length, block);
      std::memcpy(blocks.data() + (first + b) * sizeof block, &block, sizeof block);
    }
  });
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
  float extreme = 0;
  extreme_values(values, {&extreme, 1});
  return extreme / static_cast<float>(-middle);
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
  if (weights.empty())
    return encode_symmetric<Q4_0, 8>(values, blocks);
  for_each_encoded<Q4_0, 32>(values, weights, blocks, symmetric_block<Q4_0, 8>);
}

void encode_q4_1(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q4_1, 32>(values, weights, blocks, affine_block<Q4_1, 15>);
}

void encode_q5_0(Numbers values, Numbers weights, Blocks blocks) {
  if (weights.empty())
    return encode_symmetric<Q5_0, 16>(values, blocks);
  for_each_encoded<Q5_0, 32>(values, weights, blocks, symmetric_block<Q5_0, 16>);
}

void encode_q5_1(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q5_1, 32>(values, weights, blocks, affine_block<Q5_1, 31>);
}

void encode_q8_0(Numbers values, Numbers, Blocks blocks) {
  for_some_blocks(values, [&](Numbers x, std::size_t first, std::size_t count) {
    float scales[blocks_at_once], inverses[blocks_at_once];
    std::int8_t codes[blocks_at_once * block_length];
    extreme_values(x, {scales, count});
    for (std::size_t b = 0; b < count; ++b) {
      scales[b] = std::fabs(scales[b]) / 127;
      inverses[b] = inverse_of(scales[b]);
    }
    rounded_codes(x, {inverses, count}, {codes, x.size()});
    for (std::size_t b = 0; b < count; ++b) {
      Q8_0 block;
      block.scale = half_bits(scales[b]);
      std::memcpy(block.codes, codes + b * block_length, sizeof block.codes);
      std::memcpy(blocks.data() + (first + b) * sizeof block, &block, sizeof block);
    }
  });
}

} // namespace latticelens::gguf
