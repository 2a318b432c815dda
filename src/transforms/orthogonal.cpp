#include "transforms/orthogonal.h"

#include "core/error.h"
#include "tensor/single_thread.h"
#include "transforms/block_matrix.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

// Of Cayley steps in fp64, with much to spare; a matrix that was rounded to fp32 has about 1e-7.
constexpr double largest_error = 1e-9;

Tensor transposed(const Tensor& matrices) {
  return matrices.transpose(1, 2).contiguous();
}

Tensor multiply(const Tensor& x, const Tensor& matrices, const Tensor& single) {
  if (x.scalar_type() == at::kFloat)
    return multiply_blocks(x, single);
  return reference::multiply_blocks(x, matrices).to(x.scalar_type());
}

} // namespace

Orthogonal::Orthogonal(const Tensor& matrices, const std::string& where) {
  require(matrices.dim() == 3 && matrices.size(1) == matrices.size(2), "transform",
          where + ": orthogonal matrices have the shape [blocks, size, size]");
  matrices_ = matrices.to(at::kDouble).contiguous();
  require(orthogonality_error(matrices_) <= largest_error, "transform",
          where + ": a matrix is not orthogonal");
  transposed_ = transposed(matrices_);
  single_ = matrices_.to(at::kFloat);
  single_transposed_ = transposed(single_);
}

Tensor Orthogonal::apply(const Tensor& x) const {
  return multiply(x, matrices_, single_);
}

Tensor Orthogonal::invert(const Tensor& x) const {
  return multiply(x, transposed_, single_transposed_);
}

Tensor matrices_of(const Transform& transform, std::int64_t size, std::int64_t width) {
  // Row i of a block is where its i-th channel goes: all blocks at once, since none sees another.
  const Tensor channels = at::eye(size, at::kDouble).repeat({1, width / size});
  return transform.apply(channels).reshape({size, -1, size}).transpose(0, 1).contiguous();
}

double orthogonality_error(const Tensor& matrices) {
  const SingleThreadMkl one_thread;
  const Tensor product = at::bmm(matrices, matrices.transpose(1, 2));
  const Tensor error = (product - at::eye(matrices.size(1), matrices.options())).abs().max();
  return error.item<double>();
}

} // namespace latticelens
