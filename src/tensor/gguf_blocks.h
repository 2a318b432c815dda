// Decoders of GGUF's block formats: packed bytes to fp32, bit for bit what ggml computes.
// Facts: https://github.com/ggml-org/ggml (block layouts), OCP Microscaling Formats v1.0 (MXFP4).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace latticelens {

struct BlockType {
  std::uint32_t number = 0; // ggml's type number
  const char* name = "";
  std::size_t values = 1; // per block
  std::size_t bytes = 1;  // per block
  /// Decodes whole blocks: blocks.size() / bytes * values == values.size(), which it does not
  /// check.
  void (*decode)(std::span<const std::byte> blocks, std::span<float> values) = nullptr;
};

/// Every supported type, by ascending number.
std::span<const BlockType> block_types();

/// The type of this number, or nullptr.
const BlockType* find_block_type(std::uint32_t number);

/// "F32 (0), F16 (1), ...": for errors.
std::string supported_block_types();

} // namespace latticelens
