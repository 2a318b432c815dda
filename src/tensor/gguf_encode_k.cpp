// The k-quants: superblocks of 256 values, whose sub-blocks of 16 or 32 have small integer scales
// under one or two fp16 scales.
#include "tensor/gguf_block_layouts.h"
#include "tensor/gguf_decoders.h"
#include "tensor/gguf_encoders.h"

#include <algorithm>
#include <cmath>

namespace latticelens::gguf {
namespace {

constexpr float tiny = 1e-15f; // a superblock with smaller scales is zero

/// How much values count without weights of their own: their root mean square plus their size.
void default_weights(Numbers values, float* weights) {
  float square = 0;
  for (const float value : values)
    square += value * value;
  const float typical = std::sqrt(square / static_cast<float>(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    weights[i] = typical + std::fabs(values[i]);
}

/// Writes pair j of 8 six-bit pairs: see six_bit_pair in the decoder.
void put_six_bit_pair(std::uint8_t (&packed)[12], int j, int scale, int minimum) {
  if (j < 4) {
    packed[j] = static_cast<std::uint8_t>(packed[j] | scale);
    packed[j + 4] = static_cast<std::uint8_t>(packed[j + 4] | minimum);
    return;
  }
  packed[j + 4] = static_cast<std::uint8_t>((scale & 15) | (minimum & 15) << 4);
  packed[j - 4] = static_cast<std::uint8_t>(packed[j - 4] | (scale >> 4) << 6);
  packed[j] = static_cast<std::uint8_t>(packed[j] | (minimum >> 4) << 6);
}

/// The 8 sub-blocks' scales and minima as six-bit integers under two fp16 numbers.
struct PairScales {
  std::uint16_t scale = 0, minimum = 0; // fp16 bits
  int scales[8] = {}, minima[8] = {};
};

PairScales pair_scales(Numbers values, Numbers weights, const AffineSearch& search) {
  float scales[8], minima[8], most_scale = 0, most_minimum = 0;
  for (std::size_t j = 0; j < 8; ++j) {
    const Numbers part = values.subspan(32 * j, 32);
    float own[32];
    if (weights.empty())
      default_weights(part, own);
    const AffineScale found = search_affine_scale(
        part, weights.empty() ? Numbers(own) : weights.subspan(32 * j, 32), search);
    scales[j] = found.scale;
    minima[j] = -found.minimum;
    most_scale = std::max(most_scale, scales[j]);
    most_minimum = std::max(most_minimum, minima[j]);
  }
  const float scale_factor = most_scale > 0 ? 63 / most_scale : 0,
              minimum_factor = most_minimum > 0 ? 63 / most_minimum : 0;
  PairScales pairs{half_bits(most_scale / 63), half_bits(most_minimum / 63), {}, {}};
  for (int j = 0; j < 8; ++j) {
    pairs.scales[j] = std::min(63, nearest_integer(scale_factor * scales[j]));
    pairs.minima[j] = std::min(63, nearest_integer(minimum_factor * minima[j]));
  }
  return pairs;
}

/// Codes 0 .. most of sub-block j, 0 where its scale is 0.
void pair_codes(Numbers part, const PairScales& pairs, int j, int most, std::uint8_t* codes) {
  const float step = half_to_float(pairs.scale) * static_cast<float>(pairs.scales[j]),
              offset = half_to_float(pairs.minimum) * static_cast<float>(pairs.minima[j]);
  for (std::size_t i = 0; i < part.size(); ++i)
    codes[i] = step == 0 ? 0
                         : static_cast<std::uint8_t>(
                               std::clamp(nearest_integer((part[i] + offset) / step), 0, most));
}

template<typename Block>
void put_pairs(const PairScales& pairs, Block& block) {
  block.scale = pairs.scale;
  block.minimum = pairs.minimum;
  for (int j = 0; j < 8; ++j)
    put_six_bit_pair(block.scales, j, pairs.scales[j], pairs.minima[j]);
}

/// Sub-blocks 2 p and 2 p + 1 share 32 bytes.
void put_nibbles(const std::uint8_t* codes, std::uint8_t (&nibbles)[128]) {
  for (int p = 0; p < 4; ++p)
    for (int l = 0; l < 32; ++l)
      nibbles[32 * p + l] =
          static_cast<std::uint8_t>((codes[64 * p + l] & 15) | (codes[64 * p + l + 32] & 15) << 4);
}

Q6K encode_block(Numbers values, Numbers weights) {
  float scales[16], extreme = 0;
  for (std::size_t j = 0; j < 16; ++j) {
    const Numbers part = values.subspan(16 * j, 16);
    float squares[16];
    for (std::size_t i = 0; i < 16; ++i)
      squares[i] = part[i] * part[i];
    scales[j] = search_symmetric_scale(
        part, weights.empty() ? Numbers(squares) : weights.subspan(16 * j, 16), -32);
    if (std::fabs(scales[j]) > std::fabs(extreme))
      extreme = scales[j];
  }
  Q6K block = {};
  if (std::fabs(extreme) < tiny)
    return block;
  const float inverse = -128 / extreme;
  block.scale = half_bits(1 / inverse);
  for (int j = 0; j < 16; ++j) { // see decode_block of Q6_K
    block.scales[j] = static_cast<std::int8_t>(std::min(127, nearest_integer(inverse * scales[j])));
    const float step = half_to_float(block.scale) * static_cast<float>(block.scales[j]);
    const int half = j / 8, quarter = j / 2 % 4, first = 16 * (j % 2);
    std::uint8_t* nibbles = block.nibbles + 64 * half + 32 * (quarter % 2) + first;
    std::uint8_t* pairs = block.pairs + 32 * half + first;
    for (int l = 0; l < 16; ++l) {
      const float value = values[static_cast<std::size_t>(16 * j + l)];
      const int code = step == 0 ? 32 : std::clamp(nearest_integer(value / step), -32, 31) + 32;
      nibbles[l] = static_cast<std::uint8_t>(nibbles[l] | (code & 15) << (quarter / 2 * 4));
      pairs[l] = static_cast<std::uint8_t>(pairs[l] | (code >> 4) << (2 * quarter));
    }
  }
  return block;
}

} // namespace

void encode_q4_k(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q4K, 256>(values, weights, blocks, [](Numbers x, Numbers w) {
    const PairScales pairs = pair_scales(x, w, {.most = 15});
    std::uint8_t codes[256];
    for (int j = 0; j < 8; ++j)
      pair_codes(x.subspan(static_cast<std::size_t>(32 * j), 32), pairs, j, 15, codes + 32 * j);
    Q4K block = {};
    put_pairs(pairs, block);
    put_nibbles(codes, block.nibbles);
    return block;
  });
}

void encode_q5_k(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q5K, 256>(values, weights, blocks, [](Numbers x, Numbers w) {
    const PairScales pairs = pair_scales(x, w, {.most = 31, .first = -0.5f, .count = 15});
    std::uint8_t codes[256];
    for (int j = 0; j < 8; ++j)
      pair_codes(x.subspan(static_cast<std::size_t>(32 * j), 32), pairs, j, 31, codes + 32 * j);
    Q5K block = {};
    put_pairs(pairs, block);
    put_nibbles(codes, block.nibbles);
    for (int i = 0; i < 256; ++i)
      block.fifth_bits[i % 32] =
          static_cast<std::uint8_t>(block.fifth_bits[i % 32] | (codes[i] >> 4) << (i / 32));
    return block;
  });
}

void encode_q6_k(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q6K, 256>(values, weights, blocks, encode_block);
}

} // namespace latticelens::gguf
