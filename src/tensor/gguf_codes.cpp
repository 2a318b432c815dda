#include "tensor/gguf_codes.h"

#include "tensor/gguf_code_bits.h"
#include "tensor/gguf_decoders.h"
#include <algorithm>
#include <array>

namespace latticelens {
namespace {

using namespace gguf;
using Codes = const std::uint8_t*;

template<std::size_t count>
constexpr std::array<float, count> integers_from(int first) {
  std::array<float, count> levels{};
  for (std::size_t i = 0; i < count; ++i)
    levels[i] = static_cast<float>(first + static_cast<int>(i));
  return levels;
}

constexpr auto signed_4 = integers_from<16>(-8), unsigned_4 = integers_from<16>(0);
constexpr auto signed_5 = integers_from<32>(-16), unsigned_5 = integers_from<32>(0);
constexpr auto signed_6 = integers_from<64>(-32);
constexpr auto signed_8 = integers_from<255>(-127);

constexpr std::array<float, 16> nonlinear_levels() {
  std::array<float, 16> levels{};
  for (std::size_t i = 0; i < levels.size(); ++i)
    levels[i] = static_cast<float>(nonlinear[i]);
  return levels;
}
constexpr auto nonlinear_4 = nonlinear_levels();

template<typename Block>
Block block_of(Bytes bytes) {
  Block block;
  std::memcpy(&block, bytes.data(), sizeof block);
  return block;
}

template<typename Block>
void symmetric_scale(Bytes bytes, float* scale, float* offset) {
  *scale = half_to_float(block_of<Block>(bytes).scale);
  *offset = 0;
}

template<typename Block>
void affine_scale(Bytes bytes, float* scale, float* offset) {
  const auto block = block_of<Block>(bytes);
  *scale = half_to_float(block.scale);
  *offset = half_to_float(block.minimum);
}

template<typename Block>
void paired_scales(Bytes bytes, float* scales, float* offsets) {
  const auto block = block_of<Block>(bytes);
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMinimum pair = six_bit_pair(block.scales, j);
    scales[j] = half_to_float(block.scale) * static_cast<float>(pair.scale);
    offsets[j] = -(half_to_float(block.minimum) * static_cast<float>(pair.minimum));
  }
}

void sixteen_scales(Bytes bytes, float* scales, float* offsets) {
  const auto block = block_of<Q6K>(bytes);
  for (int j = 0; j < 16; ++j) {
    scales[j] = half_to_float(block.scale) * static_cast<float>(block.scales[j]);
    offsets[j] = 0;
  }
}

template<typename Block>
void write_codes_of(Codes codes, std::span<std::byte> bytes) {
  auto block = block_of<Block>(bytes);
  put_codes(codes, block);
  std::memcpy(bytes.data(), &block, sizeof block);
}

void write_bytes(Codes codes, std::span<std::byte> bytes) {
  auto block = block_of<Q8_0>(bytes);
  for (int i = 0; i < 32; ++i)
    block.codes[i] = static_cast<std::int8_t>(codes[i] - 127);
  std::memcpy(bytes.data(), &block, sizeof block);
}

void write_six_bits(Codes codes, std::span<std::byte> bytes) {
  auto block = block_of<Q6K>(bytes);
  put_six_bits(codes, block);
  std::memcpy(bytes.data(), &block, sizeof block);
}

constexpr CodedType types[] = {
    {"Q4_0", 32, signed_4, symmetric_scale<Q4_0>, write_codes_of<Q4_0>},
    {"Q4_1", 32, unsigned_4, affine_scale<Q4_1>, write_codes_of<Q4_1>},
    {"Q5_0", 32, signed_5, symmetric_scale<Q5_0>, write_codes_of<Q5_0>},
    {"Q5_1", 32, unsigned_5, affine_scale<Q5_1>, write_codes_of<Q5_1>},
    {"Q8_0", 32, signed_8, symmetric_scale<Q8_0>, write_bytes},
    {"Q4_K", 32, unsigned_4, paired_scales<Q4K>, write_codes_of<Q4K>},
    {"Q5_K", 32, unsigned_5, paired_scales<Q5K>, write_codes_of<Q5K>},
    {"Q6_K", 16, signed_6, sixteen_scales, write_six_bits},
    {"IQ4_NL", 32, nonlinear_4, symmetric_scale<Iq4Nl>, write_codes_of<Iq4Nl>}};

} // namespace

std::span<const CodedType> coded_types() {
  return types;
}

const CodedType* find_coded_type(std::string_view name) {
  const auto* found = std::ranges::find(types, name, &CodedType::name);
  return found == std::end(types) ? nullptr : found;
}

} // namespace latticelens
