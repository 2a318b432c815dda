// Rows of a matrix into GGUF's blocks without the matrix in fp32: a few rows at a time, on all
// threads.
#pragma once
#include "tensor/tensor.h"
#include <cstddef>
#include <span>
#include <vector>

namespace latticelens {

struct BlockType;

/// Sums of squares.
struct EncodingError {
  double error = 0, energy = 0; // of what the blocks differ by, and of the values
  EncodingError& operator+=(const EncodingError& other);
};

/// rows [n, width] in fp32, bf16 or fp16 as encode_blocks gives them without weights, into
/// `blocks`, which gets their size. Errors: as encode_blocks.
void encode_rows(const BlockType& type, const Tensor& rows, std::vector<std::byte>& blocks);

/// What these blocks differ from the rows by; the same at any thread count. Error: they do not fit
/// together.
EncodingError encoding_error(const BlockType& type, const Tensor& rows,
                             std::span<const std::byte> blocks);

/// Both at once, with the values still in the cache.
EncodingError encode_and_compare(const BlockType& type, const Tensor& rows,
                                 std::vector<std::byte>& blocks);

} // namespace latticelens
