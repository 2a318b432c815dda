#include "transforms/block_matrix.h"

#include "core/error.h"
#include "kernels/product.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>

namespace latticelens {
namespace {

/// Rows [first, first + count) of x [rows, n], transposed: [n, strip_width], zeros past the last.
void gather(const float* x, std::int64_t n, std::int64_t first, std::int64_t count,
            std::vector<float>& strip) {
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t r = 0; r < count; ++r)
      strip[i * strip_width + r] = x[(first + r) * n + i];
}

void scatter(const std::vector<float>& strip, std::int64_t n, std::int64_t first,
             std::int64_t count, float* y) {
  for (std::int64_t r = 0; r < count; ++r)
    for (std::int64_t i = 0; i < n; ++i)
      y[(first + r) * n + i] = strip[i * strip_width + r];
}

void check_width(const Tensor& x, const Tensor& matrices) {
  const std::int64_t width = matrices.size(0) * matrices.size(1);
  require(x.dim() > 0 && x.size(-1) == width, "transform",
          "matrices for " + std::to_string(width) + " channels meet " +
              std::to_string(x.dim() > 0 ? x.size(-1) : 0));
}

} // namespace

BlockMatrix::BlockMatrix(const Tensor& matrices, const std::string& where) {
  require(matrices.dim() == 3 && matrices.size(1) == matrices.size(2), "transform",
          where + ": matrices of blocks have the shape [blocks, size, size]");
  matrices_ = Constant(matrices.to(at::kFloat).contiguous());
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  require(at::isfinite(this->matrices()).all().item<bool>(), "transform",
          where + ": a matrix is not finite");
  const auto [inverses, info] = at::linalg_inv_ex(this->matrices().to(at::kDouble));
  require(info.eq(0).all().item<bool>() && at::isfinite(inverses).all().item<bool>(), "transform",
          where + ": a matrix is singular");
  inverses_ = inverses;
}

Tensor multiply_blocks(const Tensor& x, const Tensor& matrices) {
  check_width(x, matrices);
  const std::int64_t blocks = matrices.size(0), size = matrices.size(1), n = blocks * size;
  const Tensor from = x.contiguous();
  Tensor result = at::empty_like(from);
  const std::int64_t rows = from.numel() / n, strips = (rows + strip_width - 1) / strip_width;
  at::parallel_for(0, strips, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> strip(n * strip_width), product(n * strip_width);
    for (std::int64_t s = begin; s < end; ++s) {
      const std::int64_t first = s * strip_width, count = std::min(strip_width, rows - first);
      gather(from.const_data_ptr<float>(), n, first, count, strip);
      std::fill(product.begin(), product.end(), 0.0f);
      for (std::int64_t b = 0; b < blocks; ++b)
        add_product<float>(
            size, size,
            {matrices.const_data_ptr<float>() + b * size * size, /*row=*/1, /*column=*/size},
            &strip[b * size * strip_width], &product[b * size * strip_width], strip_width);
      scatter(product, n, first, count, result.mutable_data_ptr<float>());
    }
  });
  return result;
}

Tensor BlockMatrix::apply(const Tensor& x) const {
  if (has_kernels(x) && x.scalar_type() == at::kFloat)
    return multiply_blocks(x, matrices());
  return reference::multiply_blocks(x, matrices_.beside(x)).to(x.scalar_type());
}

Tensor BlockMatrix::invert(const Tensor& x) const {
  return reference::multiply_blocks(x, inverses_).to(x.scalar_type());
}

Tensor BlockMatrix::apply_to_weight(const Tensor& weight) const {
  return reference::multiply_blocks(weight, inverses_.transpose(1, 2)).to(weight.scalar_type());
}

Tensor BlockMatrix::restore_weight(const Tensor& weight) const {
  return reference::multiply_blocks(weight, matrices().transpose(1, 2)).to(weight.scalar_type());
}

std::optional<BlockTransform> BlockMatrix::while_encoding(std::int64_t width) const {
  if (matrices().size(1) != e2m1_block || matrices().size(0) * e2m1_block != width)
    return std::nullopt;
  return BlockTransform{.matrices = matrices().const_data_ptr<float>()};
}

namespace reference {

Tensor multiply_blocks(const Tensor& x, const Tensor& matrices) {
  const SingleThreadMkl one_thread;
  const std::int64_t blocks = matrices.size(0), size = matrices.size(1);
  check_width(x, matrices);
  const Tensor by_block = x.to(at::kDouble).reshape({-1, blocks, size}).transpose(0, 1);
  return at::bmm(by_block.contiguous(), matrices.to(at::kDouble).contiguous())
      .transpose(0, 1)
      .reshape(x.sizes());
}

} // namespace reference
} // namespace latticelens
