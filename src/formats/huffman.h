// Canonical Huffman codes of integers: the exact size that entropy-coded weights take.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace latticelens {

struct HuffmanCode {
  std::vector<std::int32_t> symbols; // in the order of their canonical codes
  std::vector<std::uint8_t> lengths; // of each, in bits, not falling
  std::vector<std::uint8_t> stream;  // codes, first bit highest, the last byte filled with zeros
  std::int64_t stream_bits = 0, count = 0;

  /// Of the stream and the table (a symbol is 32 bits, a length 8).
  std::int64_t bits() const {
    return stream_bits + static_cast<std::int64_t>(symbols.size()) * (32 + 8);
  }
};

/// encode_huffman(values).bits() without the stream.
std::int64_t huffman_bits(const std::vector<std::int32_t>& values);

HuffmanCode encode_huffman(const std::vector<std::int32_t>& values);

/// Errors, naming `where`: a table that is no code, a stream that ends early or says something
/// else.
std::vector<std::int32_t> decode_huffman(const HuffmanCode& code, const std::string& where);

} // namespace latticelens
