// An orthogonal matrix of its own for every block of channels, to more digits than BlockMatrix has:
// what is learned and then folded into weights.
#pragma once
#include "transforms/transform.h"

namespace latticelens {

class Orthogonal : public Transform {
 public:
  /// matrices [blocks, size, size] fp64: channels of block b become x_b M_b. Errors, naming
  /// `where`: another shape, matrices that are not orthogonal.
  Orthogonal(const Tensor& matrices, const std::string& where);

  Tensor apply(const Tensor& x) const override;
  Tensor invert(const Tensor& x) const override;

 private:
  Tensor matrices_, transposed_;      // fp64
  Tensor single_, single_transposed_; // fp32
};

/// The matrices [blocks, size, size] fp64 of a transform that acts on blocks of `size` channels of
/// `width`.
Tensor matrices_of(const Transform& transform, std::int64_t size, std::int64_t width);

/// The largest |M Mᵀ - I| of a stack [count, n, n].
double orthogonality_error(const Tensor& matrices);

} // namespace latticelens
