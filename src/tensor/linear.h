// x Wᵀ in fp32 on the strip kernel: about twice as fast as the library inside LibTorch on the
// processors where that takes its AVX2 path, and the same bytes at any thread count.
#pragma once
#include "tensor/tensor.h"
#include <cstdint>

namespace latticelens {

/// A matrix [rows, depth] as the right-hand side of products: transposed strips of `strip_width`
/// rows, the last one padded with zeros.
class StripMatrix {
 public:
  explicit StripMatrix(const Tensor& matrix);

  std::int64_t rows() const { return rows_; }
  std::int64_t depth() const { return strips_.size(1); }
  std::int64_t count() const { return strips_.size(0); }
  /// Rows of the matrix in strip `s`.
  std::int64_t rows_of(std::int64_t s) const;
  /// [depth, strip_width] without gaps.
  const float* strip(std::int64_t s) const;

 private:
  std::int64_t rows_;
  Tensor strips_; // [count, depth, strip_width] fp32
};

/// x [..., in], weight [out, in], bias [out] or undefined -> [..., out]. Error: sizes that do not
/// fit.
Tensor linear_of(const Tensor& x, const StripMatrix& weight, const Tensor& bias);
/// The same for a weight that is used once; few rows go to LibTorch, they do not pay for packing.
/// Differentiable.
Tensor linear_of(const Tensor& x, const Tensor& weight, const Tensor& bias);

/// aᵀ b of a [rows, m] and b [rows, n].
Tensor transposed_product(const Tensor& a, const Tensor& b);

namespace reference {
Tensor linear_of(const Tensor& x, const Tensor& weight, const Tensor& bias);
} // namespace reference

} // namespace latticelens
