// GGUF's blocks as they lie in its files.
#include "core/error.h"
#include "formats/block_frame.h"
#include "formats/packing.h"
#include "tensor/gguf_blocks.h"
#include "tensor/gguf_codes.h"
#include "tensor/gguf_writer.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cmath>

namespace latticelens {
namespace {

/// Index of the level that the value lies at, from its block's scale and offset.
std::uint8_t code_at(float value, float scale, float offset, std::span<const float> levels) {
  const float element = scale == 0 ? 0 : (value - offset) / scale;
  std::size_t code = 0;
  while (code + 1 < levels.size() &&
         std::fabs(levels[code + 1] - element) < std::fabs(levels[code] - element))
    ++code;
  return static_cast<std::uint8_t>(code);
}

PackedWeight pack(const UnpackedWeight& weight, const Format& format) {
  require(format.frame != nullptr, "pack", format.name + ": is not settled for a weight");
  const CodedType& coded = *format.coded;
  const BlockType& type = *find_block_type(std::string_view(coded.name));
  const Tensor values = weight.values.contiguous();
  Tensor bytes = format.frame->bytes.clone();
  require(values.dim() == 2 && values.size(0) == bytes.size(0), "pack",
          format.name + ": the frame is another weight's");
  const float *from = values.const_data_ptr<float>(),
              *scales = format.frame->scales.const_data_ptr<float>(),
              *offsets = format.frame->offsets.const_data_ptr<float>();
  auto* to = static_cast<std::byte*>(bytes.mutable_data_ptr());
  const auto count = values.numel() / static_cast<std::int64_t>(type.values);
  at::parallel_for(0, count, 64, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint8_t> codes(type.values);
    for (auto b = static_cast<std::size_t>(begin); b < static_cast<std::size_t>(end); ++b) {
      for (std::size_t i = 0; i < type.values; ++i) {
        const std::size_t at = b * type.values + i, group = at / coded.group;
        codes[i] = code_at(from[at], scales[group], offsets[group], coded.levels);
      }
      coded.write_codes(codes.data(), {to + b * type.bytes, type.bytes});
    }
  });
  return {{"_blocks", bytes}, {"_type", at::tensor({static_cast<std::int64_t>(type.number)})}};
}

UnpackedWeight unpack(const LoadPart& load, const Format&, const std::string& where) {
  const Tensor bytes = load("_blocks"), number = load("_type");
  require(bytes.defined() && number.defined(), "model",
          where + ": lacks _blocks or _type; the folder is damaged, quantize anew");
  require(number.scalar_type() == at::kLong && number.numel() == 1, "model",
          where + ": _type is not one number; the folder is damaged, quantize anew");
  const auto wanted = number.item<std::int64_t>();
  const BlockType* type =
      wanted >= 0 && wanted < 256 ? find_block_type(static_cast<std::uint32_t>(wanted)) : nullptr;
  require(type && find_coded_type(type->name), "model",
          where + ": _type is no GGUF type that is known here");
  require(bytes.scalar_type() == at::kByte && bytes.dim() == 2 &&
              bytes.size(1) % static_cast<std::int64_t>(type->bytes) == 0,
          "model", where + ": _blocks are no whole blocks of " + type->name);
  const Tensor stored = bytes.contiguous();
  const std::int64_t width = stored.size(1) / static_cast<std::int64_t>(type->bytes) *
                             static_cast<std::int64_t>(type->values);
  const std::span<const std::byte> blocks{static_cast<const std::byte*>(stored.const_data_ptr()),
                                          static_cast<std::size_t>(stored.numel())};
  const BlockFrame frame = frame_of_bytes(*find_coded_type(type->name), stored);
  return {decode_blocks(*type, blocks, {stored.size(0), width}), frame.scales};
}

} // namespace

const Packing& coded_packing() {
  static const Packing packing{"gguf", "_blocks", pack, unpack};
  return packing;
}

} // namespace latticelens
