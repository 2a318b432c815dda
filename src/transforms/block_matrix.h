// A matrix of its own for every block of an activation's channels.
#pragma once
#include "tensor/device.h"
#include "transforms/transform.h"

namespace latticelens {

class BlockMatrix : public Transform {
 public:
  /// matrices [blocks, size, size] fp32, invertible: channels of block b become x_b M_b. Errors,
  /// naming `where`: another shape, a matrix that is singular or not finite.
  BlockMatrix(const Tensor& matrices, const std::string& where);

  Tensor apply(const Tensor& x) const override;
  Tensor invert(const Tensor& x) const override;
  Tensor apply_to_weight(const Tensor& weight) const override;
  Tensor restore_weight(const Tensor& weight) const override;
  std::optional<BlockTransform> while_encoding(std::int64_t width) const override;
  const Tensor& matrices() const { return matrices_.value(); }

 private:
  Constant matrices_; // [blocks, size, size] fp32
  Tensor inverses_;   // [blocks, size, size] fp64
};

/// x [..., blocks * size] fp32 times the matrices [blocks, size, size] of its blocks. The same
/// bytes at any thread count.
Tensor multiply_blocks(const Tensor& x, const Tensor& matrices);

namespace reference {
/// x [..., blocks * size] times the matrices of its blocks, in fp64.
Tensor multiply_blocks(const Tensor& x, const Tensor& matrices);
} // namespace reference

} // namespace latticelens
