#include "tensor/total.h"

#include "kernels/narrow_floats.h"
#include <ATen/ATen.h>

namespace latticelens {

double total(const Tensor& matrix) {
  const Tensor rows = matrix.sum(1, /*keepdim=*/false, at::kDouble).contiguous();
  double sum = 0;
  for (std::int64_t i = 0; i < rows.numel(); ++i)
    sum += rows.const_data_ptr<double>()[i];
  return sum;
}

SquareTotals square_totals(const Tensor& x, const Tensor& y) {
  const auto span = [](const Tensor& values) {
    return std::span(values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel()));
  };
  const SquareSums sums = square_sums(span(x), span(y));
  return {sums.difference, sums.energy};
}

} // namespace latticelens
