// x Wᵀ where the values of both are MXFP4's: exact but for the sum over blocks, and several times
// as fast as in fp32.
#pragma once
#include "formats/packing.h"
#include "kernels/packed_encode.h"
#include <optional>

namespace latticelens {

/// Whether the format is E2M1 with a power of two for each 32 values.
bool has_encoded_rows(const Format& format);

/// What format.quantize(x [..., in]) gives, as encoded rows (kernels/packed_product.h): U8.
/// With a transform: of the transformed x, which is nowhere written down. The same bytes at any
/// thread count. Error: rows that are no multiple of 32.
Tensor encode_rows(const Tensor& x, const Format& format, SnapCounts& counts,
                   const BlockTransform& transform = {});
Tensor decode_rows(const Tensor& encoded); // [..., in] of fp32

/// A weight as the right-hand side of packed products.
class PackedMatrix {
 public:
  /// None unless the values [out, in] are MXFP4's, whatever format they are stored in.
  static std::optional<PackedMatrix> of(const Tensor& weight);
  /// The same without the values, from their parts as grid_packing() stores MXFP4: none where they
  /// are not whole or a scale is too large.
  static std::optional<PackedMatrix> of(const LoadPart& stored);

  Tensor values() const; // [out, in] fp32

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  std::int64_t count() const { return strips_.size(0); }
  const std::uint8_t* strip(std::int64_t s) const;

 private:
  PackedMatrix(std::int64_t rows, std::int64_t columns);
  bool pack(const Tensor& weight, std::int64_t s);
  void pack_stored(const std::uint8_t* codes, const std::uint8_t* scales, std::int64_t s);
  std::int64_t rows_, columns_;
  Tensor strips_; // [count, strip_bytes]
};

/// Encoded rows [..., bytes], bias [out] or undefined -> [..., out]; the same bytes at any thread
/// count. Error: sizes that do not fit.
Tensor linear_of(const Tensor& encoded, const PackedMatrix& weight, const Tensor& bias);

} // namespace latticelens
