#include "formats/gguf_exact_blocks.h"

#include "core/error.h"
#include "formats/scales_on_grid.h"
#include "tensor/gguf_codes.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <bit>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::pair<const char*, const char*> held[] = {
    {"MXFP4", "mxfp4"}, {"NVFP4", "nvfp4"}, {"Q4_0", "bint4"}, {"Q8_0", "bint8"}};

using Block = std::span<std::byte>;
using Codes = std::span<const std::uint8_t>;

/// Writes one block's scales and codes (indices of the format's elements).
using WriteBlock = void (*)(std::span<const float> scales, Codes codes, Block block);

/// Elements i and i + half of `codes` in one byte.
void write_nibbles(Codes codes, std::byte* bytes) {
  const std::size_t half = codes.size() / 2;
  for (std::size_t i = 0; i < half; ++i)
    bytes[i] = static_cast<std::byte>(codes[i] | codes[i + half] << 4);
}

void write_mxfp4(std::span<const float> scales, Codes codes, Block block) {
  block[0] = static_cast<std::byte>(std::ilogb(scales[0]) + 127);
  write_nibbles(codes, &block[1]);
}

void write_nvfp4(std::span<const float> scales, Codes codes, Block block) {
  for (std::size_t i = 0; i < scales.size(); ++i) {
    block[i] = std::bit_cast<std::byte>(c10::Float8_e4m3fn(scales[i]).x);
    write_nibbles(codes.subspan(16 * i, 16), &block[scales.size() + 8 * i]);
  }
}

void write_integers(const char* type, std::span<const float> scales, Codes codes, Block block) {
  const std::uint16_t half = c10::Half(scales[0]).x;
  block[0] = static_cast<std::byte>(half & 255);
  block[1] = static_cast<std::byte>(half >> 8);
  find_coded_type(type)->write_codes(codes.data(), block);
}

void write_q4_0(std::span<const float> scales, Codes codes, Block block) {
  write_integers("Q4_0", scales, codes, block);
}

void write_q8_0(std::span<const float> scales, Codes codes, Block block) {
  write_integers("Q8_0", scales, codes, block);
}

WriteBlock writer_of(std::string_view type) {
  return type == "MXFP4"   ? write_mxfp4
         : type == "NVFP4" ? write_nvfp4
         : type == "Q4_0"  ? write_q4_0
                           : write_q8_0;
}

/// Sign and magnitude of E2M1; -0 is 0.
std::uint8_t float_code(float element) {
  constexpr float magnitudes[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  const auto* const found =
      std::min_element(std::begin(magnitudes), std::end(magnitudes), [&](float a, float b) {
        return std::fabs(a - std::fabs(element)) < std::fabs(b - std::fabs(element));
      });
  const auto index = static_cast<std::uint8_t>(found - std::begin(magnitudes));
  return static_cast<std::uint8_t>(index | (element < 0 && index > 0 ? 8 : 0));
}

/// Index among a coded type's integer levels.
std::uint8_t integer_code(float element, std::span<const float> levels) {
  return static_cast<std::uint8_t>(std::lround(element - levels.front()));
}

/// Whether every integer has a code: Q8_0 has none for -128.
bool has_codes(const Tensor& values, const Tensor& scales, std::span<const float> levels,
               std::int64_t block) {
  const Tensor elements = at::round(values / scales.repeat_interleave(block, 1));
  return elements.ge(levels.front()).logical_and(elements.le(levels.back())).all().item<bool>();
}

/// Neighbours in a byte -> elements i and i + 16 in one.
void regroup_nibbles(const std::uint8_t* pairs, std::uint8_t* halves) {
  constexpr int bytes = 16, half = bytes / 2;
  for (int i = 0; i < half; ++i) {
    const std::uint8_t low = pairs[i], high = pairs[half + i]; // elements 2i, 2i + 1 of each half
    halves[2 * i] = static_cast<std::uint8_t>((low & 15) | (high & 15) << 4);
    halves[2 * i + 1] = static_cast<std::uint8_t>(low >> 4 | (high & 240));
  }
}

} // namespace

Tensor mxfp4_blocks(const Tensor& packed, const Tensor& scales) {
  constexpr std::int64_t codes = 16, bytes = 17, not_a_number = 255;
  require(packed.dim() == 2 && scales.dim() == 2 && packed.scalar_type() == at::kByte &&
              scales.scalar_type() == at::kByte && packed.size(0) == scales.size(0) &&
              packed.size(1) == scales.size(1) * codes,
          "weights", "codes and scales do not fit together as mxfp4");
  require(!(scales == not_a_number).any().item<bool>(), "weights",
          "a block scale is NaN; the file is damaged, make it anew");
  const Tensor from = packed.contiguous(), exponents = scales.contiguous();
  Tensor blocks = at::empty({scales.size(0), scales.size(1) * bytes}, at::kByte);
  const auto* pairs = from.const_data_ptr<std::uint8_t>();
  const auto* exponent = exponents.const_data_ptr<std::uint8_t>();
  auto* to = blocks.mutable_data_ptr<std::uint8_t>();
  at::parallel_for(0, exponents.numel(), 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      to[b * bytes] = exponent[b];
      regroup_nibbles(pairs + b * codes, to + b * bytes + 1);
    }
  });
  return blocks;
}

std::optional<Format> format_of_gguf_type(std::string_view type) {
  for (const auto& [gguf, name] : held)
    if (type == gguf)
      return parse_format(name);
  return std::nullopt;
}

std::string gguf_type_of(const Format& format) {
  for (const auto& [gguf, name] : held)
    if (format.base_name() == name)
      return gguf;
  return "";
}

Tensor exact_blocks(const BlockType& type, const Tensor& values, float second_scale) {
  std::optional<Format> format = format_of_gguf_type(type.name);
  if (!format || values.dim() != 2 || values.size(1) % static_cast<std::int64_t>(type.values) != 0)
    return {};
  const bool scaled = format->rule.tensor_maximum > 0;
  if (scaled)
    format->rule.tensor_scale = second_scale;
  const Tensor from = values.to(at::kFloat).contiguous();
  const auto steps = scales_on_grid(from, *format);
  const CodedType* integers = find_coded_type(type.name);
  if (!steps || (integers && !has_codes(from, *steps, integers->levels, format->block)))
    return {};
  const Tensor scales = scaled ? *steps * second_scale : *steps; // to E4M3's own numbers: rounded
  const auto per_row = static_cast<std::int64_t>(type.bytes) *
                       (from.size(1) / static_cast<std::int64_t>(type.values));
  Tensor bytes = at::empty({from.size(0), per_row}, at::kByte);
  const std::size_t group = static_cast<std::size_t>(format->block), groups = type.values / group;
  const WriteBlock write = writer_of(type.name);
  const float *value = from.const_data_ptr<float>(), *step = steps->const_data_ptr<float>(),
              *scale = scales.const_data_ptr<float>();
  auto* to = static_cast<std::byte*>(bytes.mutable_data_ptr());
  const auto count = from.numel() / static_cast<std::int64_t>(type.values);
  at::parallel_for(0, count, 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint8_t> codes(type.values);
    for (auto b = static_cast<std::size_t>(begin); b < static_cast<std::size_t>(end); ++b) {
      for (std::size_t i = 0; i < type.values; ++i) {
        const float element = value[b * type.values + i] / step[b * groups + i / group];
        codes[i] = integers ? integer_code(element, integers->levels) : float_code(element);
      }
      write({scale + b * groups, groups}, codes, {to + b * type.bytes, type.bytes});
    }
  });
  return bytes;
}

} // namespace latticelens
