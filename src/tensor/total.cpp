#include "tensor/total.h"

#include <ATen/ATen.h>

namespace latticelens {

double total(const Tensor& matrix) {
  const Tensor rows = matrix.sum(1, /*keepdim=*/false, at::kDouble).contiguous();
  double sum = 0;
  for (std::int64_t i = 0; i < rows.numel(); ++i)
    sum += rows.const_data_ptr<double>()[i];
  return sum;
}

} // namespace latticelens
