// The grid's codes and scales under the names and types of compressed-tensors
// (quantization-peers.md §6.1, §6.2).
#include "core/error.h"
#include "formats/grid_codes.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// The loader with one part replaced by what `change` makes of it.
LoadPart with_part(const LoadPart& load, const std::string& name,
                   const std::function<Tensor(const Tensor&)>& change) {
  return [&load, name, change](const std::string& end) {
    const Tensor part = load(end);
    return end == name && part.defined() ? change(part) : part;
  };
}

Tensor as_bytes(const Tensor& part) {
  return part.element_size() == 1 ? part.contiguous().view(at::kByte) : part;
}

PackedWeight pack_nvfp4(const UnpackedWeight& weight, const Format& format) {
  PackedWeight packed = grid_packing().pack(weight, format);
  packed["_scale"] = packed["_scale"].view(at::kFloat8_e4m3fn);
  return packed;
}

UnpackedWeight unpack_nvfp4(const LoadPart& load, const Format& format, const std::string& where) {
  return grid_packing().unpack(with_part(load, "_scale", as_bytes), format, where);
}

/// Between two's complement and code + 2^(bits-1): the highest bit of each code.
Tensor with_other_sign(const Tensor& bytes, int bits) {
  return bytes.bitwise_xor(bits == 4 ? 0x88 : 0x80);
}

void require_integers(const Format& format) {
  require(is_uniform(format.grid) && (format.code_bits() == 4 || format.code_bits() == 8), "pack",
          format.name + ": pack-quantized holds integers of 4 or 8 bits");
}

/// code + 2^(bits-1) of every value [out, in], U8.
Tensor offset_codes(const UnpackedWeight& weight, int bits, const std::string& name) {
  const std::int64_t block = weight.values.size(1) / weight.scales.size(1);
  const Tensor codes = at::round(weight.values / weight.scales.repeat_interleave(block, 1));
  const int half = 1 << (bits - 1);
  require(codes.ge(-half).logical_and(codes.lt(half)).all().item<bool>(), "pack",
          name + ": a value lies outside its block's integers");
  return (codes + half).to(at::kByte);
}

PackedWeight pack_integers(const UnpackedWeight& weight, const Format& format) {
  require_integers(format);
  const int bits = format.code_bits();
  Tensor bytes = offset_codes(weight, bits, format.name);
  require(bytes.size(1) * bits % 8 == 0, "format",
          "rows of " + std::to_string(bytes.size(1)) +
              " codes of 4 bits do not fill bytes; choose another format");
  if (bits == 4)
    bytes = bytes.slice(1, 0, std::nullopt, 2) + bytes.slice(1, 1, std::nullopt, 2) * 16;
  constexpr std::int64_t word = 4;
  const std::int64_t missing = (word - bytes.size(1) % word) % word;
  const bool halves = format.scale_type() == ScaleType::fp16;
  return {{"_packed", at::constant_pad_nd(bytes, {0, missing}).contiguous().view(at::kInt)},
          {"_scale", weight.scales.to(halves ? at::kHalf : at::kFloat).contiguous()},
          {"_shape", at::tensor(weight.values.sizes(), at::kLong)}};
}

/// Any float type, as the program that wrote them chose; negative ones put the lowest code on the
/// other side.
Tensor float_scales(const Tensor& stored, const std::string& where) {
  require(stored.defined() && stored.dim() == 2 && stored.is_floating_point(), "weights",
          where + ": its _scale is missing or no matrix of floats");
  const Tensor scales = stored.to(at::kFloat).contiguous();
  require((at::isfinite(scales).logical_and(scales != 0)).all().item<bool>(), "weights",
          where + ": a block scale is zero or no number; the file is damaged, make it anew");
  return scales;
}

/// [rows, columns] of _shape.
std::pair<std::int64_t, std::int64_t> stored_shape(const Tensor& shape, const std::string& where) {
  require(shape.defined() && shape.numel() == 2 && !shape.is_floating_point(), "weights",
          where + ": its _shape is missing or not two numbers");
  const Tensor numbers = shape.to(at::kLong).flatten();
  return {numbers[0].item<std::int64_t>(), numbers[1].item<std::int64_t>()};
}

/// Of every code in two's complement.
std::vector<float> all_integers(int bits) {
  const int count = 1 << bits;
  std::vector<float> elements;
  for (int code = 0; code < count; ++code)
    elements.push_back(static_cast<float>(code < count / 2 ? code : code - count));
  return elements;
}

UnpackedWeight unpack_integers(const LoadPart& load, const Format& format,
                               const std::string& where) {
  const Tensor words = load("_packed");
  if (!words.defined() || words.scalar_type() == at::kByte)
    return grid_packing().unpack(load, format, where);
  require_integers(format);
  const int bits = format.code_bits();
  const auto [rows, columns] = stored_shape(load("_shape"), where);
  require(words.dim() == 2 && words.scalar_type() == at::kInt && words.size(0) == rows &&
              columns > 0 && columns <= words.size(1) * 32 / bits &&
              words.size(1) == (columns * bits + 31) / 32 && columns * bits % 8 == 0,
          "weights", where + ": its _packed and _shape do not fit together");
  const Tensor bytes =
      words.contiguous().view(at::kByte).slice(1, 0, columns * bits / 8).contiguous();
  return decode_codes(with_other_sign(bytes, bits), float_scales(load("_scale"), where), format,
                      all_integers(bits), where);
}

PackedWeight pack_elements(const UnpackedWeight& weight, const Format& format) {
  PackedWeight packed = grid_packing().pack(weight, format);
  const auto type = is_uniform(format.grid) ? at::kChar : at::kFloat8_e4m3fn;
  packed[""] = packed.extract("_packed").mapped().view(type);
  return packed;
}

UnpackedWeight unpack_elements(const LoadPart& load, const Format& format,
                               const std::string& where) {
  const Tensor elements = load("");
  if (!elements.defined())
    return grid_packing().unpack(load, format, where);
  const auto type = is_uniform(format.grid) ? at::kChar : at::kFloat8_e4m3fn;
  require(elements.dim() == 2 && elements.scalar_type() == type, "weights",
          where + ": is no matrix of the elements of " + format.name);
  if (is_uniform(format.grid))
    return decode_codes(as_bytes(elements), float_scales(load("_scale"), where), format,
                        all_integers(format.code_bits()), where);
  const LoadPart parts = [&](const std::string& end) {
    return end == "_packed" ? as_bytes(elements) : load(end);
  };
  return grid_packing().unpack(parts, format, where);
}

} // namespace

const Packing& nvfp4_packing() {
  static const Packing packing{"nvfp4-pack-quantized", "_packed", pack_nvfp4, unpack_nvfp4};
  return packing;
}

const Packing& integer_packing() {
  static const Packing packing{"pack-quantized", "_packed", pack_integers, unpack_integers};
  return packing;
}

const Packing& element_packing() {
  static const Packing packing{"elements", "_scale", pack_elements, unpack_elements};
  return packing;
}

} // namespace latticelens
