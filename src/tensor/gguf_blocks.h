// GGUF's block formats: packed bytes to fp32, bit for bit what ggml computes, and back, byte for
// byte what its quantizers write without an importance matrix.
// Facts: https://github.com/ggml-org/ggml (block layouts), OCP Microscaling Formats v1.0 (MXFP4).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace latticelens {

struct BlockType {
  std::uint32_t number = 0; // ggml's type number
  const char* name = "";
  std::size_t values = 1; // per block
  std::size_t bytes = 1;  // per block
  /// Decodes whole blocks: blocks.size() / bytes * values == values.size(), which it does not
  /// check.
  void (*decode)(std::span<const std::byte> blocks, std::span<float> values) = nullptr;
  /// Encodes whole blocks; nullptr: this program only reads the type. weights: how much each value
  /// counts when a scale is searched; empty: ggml's own choice. Error: beyond fp16's range.
  void (*encode)(std::span<const float> values, std::span<const float> weights,
                 std::span<std::byte> blocks) = nullptr;
};

/// Every supported type, by ascending number.
std::span<const BlockType> block_types();

/// The type of this number, or nullptr.
const BlockType* find_block_type(std::uint32_t number);

/// The type of this name, or nullptr.
const BlockType* find_block_type(std::string_view name);

/// What llama.cpp takes for rows that are no whole superblocks of the type, or nullptr.
const BlockType* smaller_block_type(std::string_view name);

/// "F32 (0), F16 (1), ...": for errors.
std::string supported_block_types();

} // namespace latticelens
