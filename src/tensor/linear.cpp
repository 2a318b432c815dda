#include "tensor/linear.h"

#include "core/error.h"
#include "kernels/product.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

// A task is one strip for this many rows: they and the strip stay in the second-level cache.
constexpr std::int64_t rows_per_task = 128;
// Measured on 576 x 1536: from about 32 rows on, packing costs less than the faster kernel saves.
constexpr std::int64_t fewest_rows = 32;

struct Product {
  const float* x;
  const StripMatrix& weight;
  const float* bias; // or null
  float* y;

  /// y [rows, strip_width] at `to` becomes the bias plus x Wᵀ of strip `s`.
  void strip(std::int64_t s, std::int64_t first, std::int64_t rows, float* to,
             std::int64_t stride) const {
    const std::int64_t columns = weight.rows_of(s), depth = weight.depth();
    for (std::int64_t i = 0; i < rows; ++i)
      if (bias)
        std::copy_n(bias + s * strip_width, columns, to + i * stride);
      else
        std::fill_n(to + i * stride, columns, 0.0f);
    add_product<float>(rows, depth, {x + first * depth, depth}, weight.strip(s), to, stride);
  }

  void run(std::int64_t s, std::int64_t first, std::int64_t rows) const {
    const std::int64_t out = weight.rows(), columns = weight.rows_of(s);
    float* to = y + first * out + s * strip_width;
    if (columns == strip_width)
      return strip(s, first, rows, to, out);
    std::vector<float> wide(rows * strip_width); // the kernel writes whole strips
    strip(s, first, rows, wide.data(), strip_width);
    for (std::int64_t i = 0; i < rows; ++i)
      std::copy_n(&wide[i * strip_width], columns, to + i * out);
  }
};

} // namespace

StripMatrix::StripMatrix(const Tensor& matrix)
    : rows_(matrix.size(0)),
      strips_(at::zeros({(rows_ + strip_width - 1) / strip_width, matrix.size(1), strip_width},
                        at::kFloat)) {
  at::parallel_for(0, count(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end; ++s)
      strips_[s]
          .slice(1, 0, rows_of(s))
          .copy_(matrix.slice(0, s * strip_width, s * strip_width + rows_of(s)).t());
  });
}

std::int64_t StripMatrix::rows_of(std::int64_t s) const {
  return std::min(strip_width, rows_ - s * strip_width);
}

const float* StripMatrix::strip(std::int64_t s) const {
  return strips_.const_data_ptr<float>() + s * depth() * strip_width;
}

Tensor linear_of(const Tensor& x, const StripMatrix& weight, const Tensor& bias) {
  require(x.size(-1) == weight.depth() && (!bias.defined() || bias.numel() == weight.rows()),
          "linear",
          "input of " + std::to_string(x.size(-1)) + " columns for a weight of " +
              std::to_string(weight.depth()) + ", or a bias of another size; is the model whole?");
  const Tensor from = x.to(at::kFloat).contiguous(),
               added = bias.defined() ? bias.to(at::kFloat).contiguous() : bias;
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = weight.rows();
  Tensor y = at::empty(shape, at::kFloat);
  const std::int64_t rows = x.numel() / std::max<std::int64_t>(weight.depth(), 1),
                     strips = weight.count(),
                     tasks = (rows + rows_per_task - 1) / rows_per_task * strips;
  const Product product{from.const_data_ptr<float>(), weight,
                        added.defined() ? added.const_data_ptr<float>() : nullptr,
                        y.mutable_data_ptr<float>()};
  at::parallel_for(0, tasks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t first = task / strips * rows_per_task;
      product.run(task % strips, first, std::min(rows_per_task, rows - first));
    }
  });
  return y;
}

Tensor linear_of(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (x.numel() < fewest_rows * x.size(-1))
    return reference::linear_of(x, weight, bias);
  return linear_of(x, StripMatrix(weight), bias);
}

namespace reference {

Tensor linear_of(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return at::linear(x, weight, bias);
}

} // namespace reference
} // namespace latticelens
