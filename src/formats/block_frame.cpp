#include "formats/block_frame.h"

#include "core/error.h"
#include "formats/table.h"
#include "tensor/gguf_blocks.h"
#include "tensor/gguf_codes.h"
#include "tensor/gguf_writer.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cmath>
#include <cstring>

namespace latticelens {
namespace {

const BlockType& block_type(const CodedType& type) {
  return *find_block_type(std::string_view(type.name));
}

const CodedType& coded_type(const char* name) {
  const CodedType* type = find_coded_type(name);
  require(type, "format", std::string(name) + " has no codes of its own");
  return *type;
}

/// Uniform symmetric levels go without a table: the vector code is faster.
ElementGrid grid_of(const CodedType& type) {
  const float low = type.levels.front(), high = type.levels.back();
  if (low == -high && type.levels.size() == static_cast<std::size_t>(2 * high + 1))
    return {
        .mantissa_bits = std::ilogb(high), .minimum_exponent = std::ilogb(high), .maximum = high};
  return {.maximum = std::max(std::fabs(low), high), .table = type.levels};
}

Tensor encoded(const CodedType& coded, const Tensor& weight, const Tensor& importance) {
  const std::vector<std::byte> blocks = encode_blocks(block_type(coded), weight, importance);
  Tensor bytes = at::empty(static_cast<std::int64_t>(blocks.size()), at::kByte);
  std::memcpy(bytes.mutable_data_ptr(), blocks.data(), blocks.size());
  return bytes.view({weight.size(0), -1});
}

} // namespace

double bits_of(const CodedType& type) {
  const BlockType& blocks = block_type(type);
  return 8.0 * static_cast<double>(blocks.bytes) / static_cast<double>(blocks.values);
}

const CodedType& type_for_width(const CodedType& type, std::int64_t width) {
  if (width % static_cast<std::int64_t>(block_type(type).values) == 0)
    return type;
  const BlockType* smaller = smaller_block_type(type.name);
  require(width % 32 == 0 && smaller, "format",
          std::string(type.name) + ": rows of " + std::to_string(width) +
              " values are no whole blocks; no GGUF type with blocks holds them");
  return coded_type(smaller->name);
}

BlockFrame frame_of_bytes(const CodedType& coded, const Tensor& bytes) {
  const BlockType& type = block_type(coded);
  const auto a_row = bytes.size(1) / static_cast<std::int64_t>(type.bytes),
             a_block = static_cast<std::int64_t>(type.values / coded.group);
  BlockFrame frame{at::empty({bytes.size(0), a_row * a_block}, at::kFloat),
                   at::empty({bytes.size(0), a_row * a_block}, at::kFloat), bytes};
  const auto* from = static_cast<const std::byte*>(bytes.const_data_ptr());
  float *scales = frame.scales.mutable_data_ptr<float>(),
        *offsets = frame.offsets.mutable_data_ptr<float>();
  at::parallel_for(0, bytes.size(0) * a_row, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b)
      coded.read_scales({from + static_cast<std::size_t>(b) * type.bytes, type.bytes},
                        scales + b * a_block, offsets + b * a_block);
  });
  return frame;
}

Format framed(const Format& format, const Tensor& weight, const Tensor& importance) {
  const Tensor values = weight.to(at::kFloat).contiguous();
  require(at::isfinite(values).all().item<bool>(), "format", "a weight holds NaN or infinity");
  Format settled = format;
  settled.coded = &type_for_width(*format.coded, weight.size(1));
  settled.block = static_cast<std::int64_t>(settled.coded->group);
  settled.grid = grid_of(*settled.coded);
  settled.frame = std::make_shared<BlockFrame>(
      frame_of_bytes(*settled.coded, encoded(*settled.coded, values, importance)));
  return settled;
}

Format coded_format(const char* name, const char* type) {
  const CodedType& coded = coded_type(type);
  Format format{.name = name, .block = static_cast<std::int64_t>(coded.group)};
  format.grid = grid_of(coded);
  format.rule.scale_grid = fp16_scales;
  format.coded = &coded;
  return format;
}

} // namespace latticelens
