// Activations as the left-hand side of packed products: transformed, quantized and encoded in one
// pass, so that the transformed numbers are never written to memory.
#pragma once
#include "kernels/packed_product.h"

namespace latticelens {

/// What the blocks of 32 of a row go through before they are quantized: times H / sqrt(32), H
/// Sylvester's matrix, after signs if there are any; or each times a matrix of its own; or nothing.
struct BlockTransform {
  bool walsh_hadamard = false;
  const float* signs = nullptr;    // [columns] ±1
  const float* matrices = nullptr; // [columns / 32, 32, 32]: block b becomes x_b M_b
  const float* centre = nullptr;   // [columns], subtracted in the end
};

/// Rows [rows, columns] of fp32 to rows of encoded_bytes(columns). The numbers are those that
/// quantize_blocks gives for blocks of 32 after the transform, which is bit for bit walsh_hadamard
/// or a chain of sums in the order of the depth (add_product); a block with NaN or infinity becomes
/// zeros with the scale NaN. The rule is one without a scale grid, the grid E2M1.
SnapCounts encode_rows(std::int64_t rows, std::int64_t columns, const float* values,
                       const BlockTransform& transform, const ScaleRule& rule,
                       const ElementGrid& grid, std::uint8_t* encoded);
/// One row as it is.
SnapCounts encode_row(std::span<const float> values, const ScaleRule& rule, const ElementGrid& grid,
                      std::uint8_t* encoded);

/// The obvious implementations.
namespace reference {
SnapCounts encode_rows(std::int64_t rows, std::int64_t columns, const float* values,
                       const BlockTransform& transform, const ScaleRule& rule,
                       const ElementGrid& grid, std::uint8_t* encoded);
SnapCounts encode_row(std::span<const float> values, const ScaleRule& rule, const ElementGrid& grid,
                      std::uint8_t* encoded);
} // namespace reference

} // namespace latticelens
