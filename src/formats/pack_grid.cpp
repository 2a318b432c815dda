#include "core/error.h"
#include "formats/grid_codes.h"
#include "formats/packing.h"
#include "formats/table.h"
#include "kernels/best_paths.h"
#include "kernels/block_codes.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <atomic>
#include <bit>
#include <cmath>

namespace latticelens {
namespace {

/// How many levels lie between zero and a grid value's magnitude.
int magnitude_index(double magnitude, const ElementGrid& grid) {
  if (magnitude == 0)
    return 0;
  const int exponent = std::max(std::ilogb(magnitude), grid.minimum_exponent);
  const double steps = std::ldexp(magnitude, grid.mantissa_bits - exponent);
  return static_cast<int>(steps) + ((exponent - grid.minimum_exponent) << grid.mantissa_bits);
}

std::uint32_t code_of(double element, const Format& format, int bits) {
  const int index = magnitude_index(std::fabs(element), format.grid);
  if (is_uniform(format.grid))
    return static_cast<std::uint32_t>(element < 0 ? -index : index) & ((1u << bits) - 1);
  return static_cast<std::uint32_t>(index) | (element < 0 ? 1u << (bits - 1) : 0u);
}

/// The element of every code; NaN for codes that stand for nothing.
std::vector<float> elements_of(const Format& format, int bits) {
  std::vector<float> elements(std::size_t{1} << bits, std::numeric_limits<float>::quiet_NaN());
  for (const float level : levels_of(format.grid).levels)
    elements[code_of(level, format, bits)] = level;
  if (!is_uniform(format.grid))
    elements[std::size_t{1} << (bits - 1)] = -0.0f;
  return elements;
}

/// OCP's integers are fractions of two: their scale is that of the whole block, not of one code.
int exponent_bias(const Format& format) {
  return 127 + (is_uniform(format.grid) ? format.rule.grid_exponent : 0);
}

std::uint8_t e8m0_of(float scale, int bias) {
  constexpr int not_a_number = 255;
  const int byte = std::ilogb(scale) + bias;
  require(byte < not_a_number, "format", "a block of weights is too large for its E8M0 scale");
  return static_cast<std::uint8_t>(byte);
}

template<typename ToByte>
Tensor bytes_of(const Tensor& scales, const ToByte& to_byte) {
  const Tensor from = scales.contiguous();
  Tensor bytes = at::empty(from.sizes(), at::kByte);
  std::transform(from.const_data_ptr<float>(), from.const_data_ptr<float>() + from.numel(),
                 bytes.mutable_data_ptr<std::uint8_t>(), to_byte);
  return bytes;
}

Tensor stored_scales(const Tensor& scales, const Format& format) {
  switch (format.scale_type()) {
  case ScaleType::e8m0:
    return bytes_of(scales,
                    [bias = exponent_bias(format)](float scale) { return e8m0_of(scale, bias); });
  case ScaleType::e4m3:
    return bytes_of(scales, [&](float scale) {
      return static_cast<std::uint8_t>(
          magnitude_index(snap(scale * format.rule.tensor_scale, e4m3_scales), e4m3_scales));
    });
  case ScaleType::fp16:
    return scales.to(at::kHalf).contiguous();
  case ScaleType::fp32:
    return scales.contiguous();
  }
  throw Error("format", "no such type of scale");
}

at::ScalarType stored_type(const Format& format) {
  switch (format.scale_type()) {
  case ScaleType::fp16:
    return at::kHalf;
  case ScaleType::fp32:
    return at::kFloat;
  default:
    return at::kByte;
  }
}

Tensor floats_of(const Tensor& bytes, const std::vector<float>& table, const std::string& where) {
  const Tensor from = bytes.contiguous();
  Tensor values = at::empty(from.sizes(), at::kFloat);
  const auto* byte = from.const_data_ptr<std::uint8_t>();
  float* value = values.mutable_data_ptr<float>();
  bool known = true; // a message made for every value would take most of the loading
  for (std::int64_t i = 0; i < from.numel(); ++i) {
    value[i] = table[byte[i]];
    known &= !std::isnan(value[i]);
  }
  require(known, "weights", where + ": a block scale is NaN; the file is damaged, make it anew");
  return values;
}

std::vector<float> e8m0_table(int bias) {
  std::vector<float> table(256, std::numeric_limits<float>::quiet_NaN());
  for (int byte = 0; byte < 255; ++byte)
    table[byte] = std::ldexp(1.0f, byte - bias);
  return table;
}

std::vector<float> e4m3_table() {
  std::vector<float> table(256, std::numeric_limits<float>::quiet_NaN());
  for (const float level : levels_of(e4m3_scales).levels)
    if (level >= 0)
      table[magnitude_index(level, e4m3_scales)] = level;
  return table;
}

Tensor loaded_scales(const LoadPart& load, const Format& format, const std::string& where) {
  const Tensor stored = load("_scale");
  require(stored.defined() && stored.dim() == 2 && stored.scalar_type() == stored_type(format),
          "weights",
          where + ": block scales of " + format.name + " are missing or of another type");
  if (format.scale_type() == ScaleType::e8m0)
    return floats_of(stored, e8m0_table(exponent_bias(format)), where);
  if (format.scale_type() != ScaleType::e4m3) {
    const Tensor scales = stored.to(at::kFloat);
    require((at::isfinite(scales).logical_and(scales > 0)).all().item<bool>(), "weights",
            where + ": a block scale is no positive number; the file is damaged, make it anew");
    return scales;
  }
  const Tensor global = load("_global_scale");
  require(global.defined() && global.numel() == 1 && global.scalar_type() == at::kFloat &&
              global.item<float>() > 0,
          "weights", where + ": its _global_scale is missing or not positive");
  return floats_of(stored, e4m3_table(), where) / global.item<float>();
}

/// code_of for fp32 elements that are on the grid but for a rounding error, without branches.
class FastCodes {
 public:
  FastCodes(const Format& format, int bits)
      : uniform_(is_uniform(format.grid)), mantissa_(format.grid.mantissa_bits),
        minimum_(format.grid.minimum_exponent), mask_((1u << bits) - 1), sign_(1u << (bits - 1)),
        step_(std::ldexp(1.0f, format.grid.mantissa_bits - format.grid.minimum_exponent)),
        most_(uniform_
                  ? static_cast<std::uint32_t>(format.grid.maximum)
                  : static_cast<std::uint32_t>(magnitude_index(format.grid.maximum, format.grid))) {
  }

  std::uint32_t operator()(float element) const {
    const float magnitude = std::fabs(element);
    std::uint32_t index = 0;
    if (uniform_) {
      index = static_cast<std::uint32_t>(magnitude + 0.5f);
    } else {
      // Half a unit of the last kept bit added, the rest cut off.
      const std::uint32_t bits = std::bit_cast<std::uint32_t>(magnitude) + (1u << (22 - mantissa_));
      const int exponent = static_cast<int>(bits >> 23) - 127;
      const std::uint32_t digits = (bits >> (23 - mantissa_)) & ((1u << mantissa_) - 1);
      index = exponent < minimum_
                  ? static_cast<std::uint32_t>(magnitude * step_ + 0.5f)
                  : digits + (1u << mantissa_) +
                        (static_cast<std::uint32_t>(exponent - minimum_) << mantissa_);
    }
    index = std::min(index, most_);
    if (uniform_)
      return (element < 0 ? 0u - index : index) & mask_;
    return index | (element < 0 ? sign_ : 0u);
  }

 private:
  bool uniform_;
  int mantissa_, minimum_;
  std::uint32_t mask_, sign_;
  float step_;
  std::uint32_t most_;
};

void pack_row(const float* value, const float* step, std::int64_t columns, std::int64_t block,
              const FastCodes& code, int bits, std::uint8_t* to) {
  std::uint32_t held = 0;
  int held_bits = 0;
  for (std::int64_t first = 0; first < columns; first += block, ++step)
    for (std::int64_t i = first; i < first + block; ++i) {
      held |= code(value[i] / *step) << held_bits;
      for (held_bits += bits; held_bits >= 8; held_bits -= 8, held >>= 8)
        *to++ = static_cast<std::uint8_t>(held);
    }
}

bool is_e2m1(const ElementGrid& grid) {
  return grid.table.empty() && grid.mantissa_bits == 1 && grid.minimum_exponent == 0 &&
         grid.maximum == 6;
}

/// The same for E2M1 in blocks of whole code blocks, by the vector kernel.
void pack_e2m1_row(std::span<const float> values, const float* step, std::int64_t block,
                   std::vector<float>& scales, std::vector<std::uint8_t>& codes, std::uint8_t* to) {
  constexpr float ends[] = {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f}; // between the magnitudes
  const std::size_t each = static_cast<std::size_t>(block) / code_block;
  scales.resize(values.size() / code_block);
  codes.resize(values.size());
  for (std::size_t i = 0; i < scales.size(); ++i)
    scales[i] = step[i / each];
  magnitude_codes(values, scales, ends, codes);
  for (std::size_t i = 0; i < codes.size(); i += 2)
    to[i / 2] = static_cast<std::uint8_t>(codes[i] | codes[i + 1] << 4);
}

/// Codes in the order of the values, the first in the lowest bits.
Tensor packed_codes(const UnpackedWeight& weight, const Format& format) {
  const int bits = format.code_bits();
  const Tensor from = weight.values.contiguous(), steps = weight.scales.contiguous();
  const std::int64_t rows = from.size(0), columns = from.size(1), blocks = steps.size(1);
  require(columns * bits % 8 == 0, "format",
          "rows of " + std::to_string(columns) + " codes of " + std::to_string(bits) +
              " bits do not fill bytes; choose another format");
  Tensor codes = at::empty({rows, columns * bits / 8}, at::kByte);
  const FastCodes code(format, bits);
  const float *value = from.const_data_ptr<float>(), *step = steps.const_data_ptr<float>();
  auto* to = codes.mutable_data_ptr<std::uint8_t>();
  const std::int64_t block = columns / blocks;
  const bool by_kernel = is_e2m1(format.grid) && block % static_cast<int>(code_block) == 0;
  at::parallel_for(0, rows, 16, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> room;
    std::vector<std::uint8_t> codes_of_row;
    for (std::int64_t i = begin; i < end; ++i) {
      const float* row = value + i * columns;
      std::uint8_t* place = to + i * columns * bits / 8;
      if (by_kernel)
        pack_e2m1_row({row, static_cast<std::size_t>(columns)}, step + i * blocks, block, room,
                      codes_of_row, place);
      else
        pack_row(row, step + i * blocks, columns, block, code, bits, place);
    }
  });
  return codes;
}

PackedWeight pack_to_grid(const UnpackedWeight& weight, const Format& format) {
  PackedWeight packed{{"_packed", packed_codes(weight, format)},
                      {"_scale", stored_scales(weight.scales, format)}};
  if (format.rule.tensor_maximum > 0)
    packed["_global_scale"] = at::full({1}, format.rule.tensor_scale, at::kFloat);
  return packed;
}

struct Codes {
  const std::uint8_t* bytes;
  int bits;
  const std::vector<float>& elements;
};

/// Whether every code has an element.
bool unpack_row(Codes codes, const float* steps, std::int64_t block, std::span<float> values) {
  std::uint32_t held = 0;
  int held_bits = 0;
  bool known = true;
  for (std::size_t first = 0; first < values.size(); first += static_cast<std::size_t>(block))
    for (float& value : values.subspan(first, static_cast<std::size_t>(block))) {
      for (; held_bits < codes.bits; held_bits += 8)
        held |= static_cast<std::uint32_t>(*codes.bytes++) << held_bits;
      const float element = codes.elements[held & ((1u << codes.bits) - 1)];
      known &= !std::isnan(element);
      value = element * steps[first / static_cast<std::size_t>(block)];
      held >>= codes.bits;
      held_bits -= codes.bits;
    }
  return known;
}

/// The same for codes of four bits: both elements of a byte, from a table of all bytes.
bool unpack_row_of_pairs(const std::uint8_t* bytes, const std::vector<float>& pairs,
                         const float* steps, std::int64_t block, std::span<float> values) {
  float* value = values.data();
  int unknown = 0;
  for (std::size_t first = 0; first < values.size(); first += static_cast<std::size_t>(block)) {
    const float step = *steps++;
    for (std::int64_t i = 0; i < block; i += 2, value += 2) {
      const float* pair = &pairs[2 * std::size_t{*bytes++}];
      value[0] = pair[0] * step;
      value[1] = pair[1] * step;
      unknown |= static_cast<int>(std::isnan(pair[0])) | static_cast<int>(std::isnan(pair[1]));
    }
  }
  return unknown == 0;
}

/// Elements of each byte's low and high code.
std::vector<float> pairs_of(const std::vector<float>& elements) {
  std::vector<float> pairs;
  for (std::size_t byte = 0; byte < 256; ++byte)
    for (const std::size_t code : {byte % 16, byte / 16})
      pairs.push_back(elements[code]);
  return pairs;
}

UnpackedWeight unpack_from_grid(const LoadPart& load, const Format& format,
                                const std::string& where) {
  return decode_codes(load("_packed"), loaded_scales(load, format, where), format,
                      elements_of(format, format.code_bits()), where);
}

} // namespace

UnpackedWeight decode_codes(const Tensor& packed, const Tensor& scales, const Format& format,
                            const std::vector<float>& elements, const std::string& where) {
  const int bits = format.code_bits();
  require(packed.defined() && packed.dim() == 2 && packed.scalar_type() == at::kByte &&
              packed.size(0) == scales.size(0) && packed.size(1) * 8 % bits == 0,
          "weights", where + ": codes and scales do not fit together as " + format.name);
  const Tensor codes = packed.contiguous();
  const std::int64_t columns = codes.size(1) * 8 / bits,
                     block = format.block > 0 ? format.block : columns;
  require(scales.size(1) * block == columns, "weights",
          where + ": codes and scales do not fit together as " + format.name);
  Tensor values = at::empty({codes.size(0), columns}, at::kFloat);
  const std::vector<float> pairs =
      bits == 4 && block % 2 == 0 ? pairs_of(elements) : std::vector<float>();
  const Tensor steps = scales.contiguous();
  std::atomic<bool> known = true;
  at::parallel_for(0, values.size(0), 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint8_t* bytes = codes.const_data_ptr<std::uint8_t>() + i * codes.size(1);
      const float* step = steps.const_data_ptr<float>() + i * steps.size(1);
      const std::span<float> row(values.mutable_data_ptr<float>() + i * columns,
                                 static_cast<std::size_t>(columns));
      if (!(pairs.empty() ? unpack_row({bytes, bits, elements}, step, block, row)
                          : unpack_row_of_pairs(bytes, pairs, step, block, row)))
        known = false;
    }
  });
  require(known, "weights",
          where + ": a code that " + format.name + " does not have; the file is damaged");
  return {values, scales};
}

const Packing& grid_packing() {
  static const Packing packing{"grid", "_packed", pack_to_grid, unpack_from_grid};
  return packing;
}

LoadPart parts_of(const PackedWeight& packed) {
  return [&packed](const std::string& end) {
    const auto found = packed.find(end);
    return found == packed.end() ? Tensor() : found->second;
  };
}

} // namespace latticelens
