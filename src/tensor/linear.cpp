#include "tensor/linear.h"

#include "core/error.h"
#include "kernels/product.h"
#include "tensor/device.h"
#include "tensor/gradient.h"
#include "tensor/strip_output.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

// Measured on 576 x 1536: from about 32 rows on, packing costs less than the faster kernel saves.
constexpr std::int64_t fewest_rows = 32;

/// Products by strips however few the rows: trained weights have the same bytes at any thread
/// count.
Tensor linear_with_gradient(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor from = x.detach(), factor = weight.detach(),
               added = bias.defined() ? bias.detach() : bias;
  const bool of_x = x.requires_grad(), of_weight = weight.requires_grad(),
             of_bias = bias.defined() && bias.requires_grad();
  return with_gradient(
      linear_of(from, StripMatrix(factor), added), {x, weight, bias}, [=](const Tensor& gradient) {
        const Tensor rows = gradient.reshape({-1, gradient.size(-1)});
        std::vector<Tensor> gradients(3);
        if (of_x)
          gradients[0] = linear_of(gradient, StripMatrix(factor.t()), {});
        if (of_weight)
          gradients[1] = transposed_product(rows, from.reshape({-1, from.size(-1)}));
        if (of_bias)
          gradients[2] = transposed_product(at::ones({rows.size(0), 1}), rows).view({-1});
        return gradients;
      });
}

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
  const std::int64_t depth = weight.depth(), rows = x.numel() / std::max<std::int64_t>(depth, 1);
  const float* data = from.const_data_ptr<float>();
  const StripOutput output{y.mutable_data_ptr<float>(), rows, weight.rows(), strip_width,
                           added.defined() ? added.const_data_ptr<float>() : nullptr};
  output.run([&](std::int64_t s, std::int64_t first, std::int64_t count, const float* start,
                 float* to, std::int64_t stride) {
    product_from<float>(start, count, depth, {data + first * depth, depth}, weight.strip(s), to,
                        stride);
  });
  return y;
}

Tensor linear_of(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (wants_gradient({x, weight, bias}))
    return linear_with_gradient(x, weight, bias);
  if (!has_kernels(x) || x.numel() < fewest_rows * x.size(-1))
    return reference::linear_of(x, weight, bias);
  return linear_of(x, StripMatrix(weight), bias);
}

Tensor transposed_product(const Tensor& a, const Tensor& b) {
  return a.size(0) == 0 ? at::zeros({a.size(1), b.size(1)}, at::kFloat)
                        : linear_of(a.t(), StripMatrix(b.t()), {});
}

namespace reference {

Tensor linear_of(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return at::linear(x, weight, bias);
}

} // namespace reference
} // namespace latticelens
