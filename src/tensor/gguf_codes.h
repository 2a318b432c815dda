// GGUF's blocks as scales and codes: for roundings that keep the scales and choose the codes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace latticelens {

/// value = scale * levels[code] + offset, computed in this order in fp32.
struct CodedType {
  const char* name;              // the block type's
  std::size_t group = 32;        // values that share a scale and an offset
  std::span<const float> levels; // ascending, by code
  /// The scales and offsets of one block's groups.
  void (*read_scales)(std::span<const std::byte> block, float* scales, float* offsets);
  /// Replaces one block's codes.
  void (*write_codes)(const std::uint8_t* codes, std::span<std::byte> block);
};

/// Every type that has codes and scales of its own; MXFP4 and NVFP4 are formats anyway.
std::span<const CodedType> coded_types();

/// The type of this name, or nullptr.
const CodedType* find_coded_type(std::string_view name);

} // namespace latticelens
