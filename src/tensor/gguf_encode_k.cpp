// The k-quants: superblocks of 256 values, whose sub-blocks of 16 or 32 have small integer scales
// under one or two fp16 scales.
#include "tensor/gguf_code_bits.h"
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
    put_six_bit_pair(block.scales, j, {pairs.scales[j], pairs.minima[j]});
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
  std::uint8_t codes[256];
  for (int j = 0; j < 16; ++j) {
    block.scales[j] = static_cast<std::int8_t>(std::min(127, nearest_integer(inverse * scales[j])));
    const float step = half_to_float(block.scale) * static_cast<float>(block.scales[j]);
    for (int l = 16 * j; l < 16 * (j + 1); ++l) {
      const float value = values[static_cast<std::size_t>(l)];
      codes[l] = static_cast<std::uint8_t>(
          step == 0 ? 32 : std::clamp(nearest_integer(value / step), -32, 31) + 32);
    }
  }
  put_six_bits(codes, block);
  return block;
}

template<typename Block>
Block paired_block(Numbers x, Numbers w, const AffineSearch& search) {
  const PairScales pairs = pair_scales(x, w, search);
  std::uint8_t codes[256];
  for (int j = 0; j < 8; ++j)
    pair_codes(x.subspan(static_cast<std::size_t>(32 * j), 32), pairs, j, search.most,
               codes + 32 * j);
  Block block = {};
  put_pairs(pairs, block);
  put_codes(codes, block);
  return block;
}

} // namespace

void encode_q4_k(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q4K, 256>(values, weights, blocks, [](Numbers x, Numbers w) {
    return paired_block<Q4K>(x, w, {.most = 15});
  });
}

void encode_q5_k(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q5K, 256>(values, weights, blocks, [](Numbers x, Numbers w) {
    return paired_block<Q5K>(x, w, {.most = 31, .first = -0.5f, .count = 15});
  });
}

void encode_q6_k(Numbers values, Numbers weights, Blocks blocks) {
  for_each_encoded<Q6K, 256>(values, weights, blocks, encode_block);
}

} // namespace latticelens::gguf
