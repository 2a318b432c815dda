#include "sae/row_differences.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <numeric>
#include <vector>

namespace latticelens {
namespace {

constexpr std::int64_t lanes = 16; // sums side by side, for vectors and for precision

double difference_row(const float* x, const float* y, float factor, std::int64_t width,
                      float* __restrict to) {
  float sums[lanes] = {};
  std::int64_t i = 0;
  for (; i + lanes <= width; i += lanes)
    for (std::int64_t j = 0; j < lanes; ++j) {
      const float difference = x[i + j] - y[i + j];
      sums[j] += difference * difference;
      to[i + j] = factor * difference;
    }
  double sum = 0;
  for (; i < width; ++i) {
    const float difference = x[i] - y[i];
    sum += double{difference} * difference;
    to[i] = factor * difference;
  }
  for (const float part : sums)
    sum += part;
  return sum;
}

} // namespace

RowDifferences row_differences(const Tensor& x, const Tensor& y, float factor) {
  const std::int64_t rows = x.size(0), width = x.size(1), stride = y.dim() == 2 ? width : 0;
  RowDifferences all{at::empty_like(x), 0};
  std::vector<double> squares(static_cast<std::size_t>(rows));
  const float *from = x.const_data_ptr<float>(), *other = y.const_data_ptr<float>();
  float* const to = all.scaled.mutable_data_ptr<float>();
  at::parallel_for(0, rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      squares[static_cast<std::size_t>(i)] =
          difference_row(from + i * width, other + i * stride, factor, width, to + i * width);
  });
  all.square = std::accumulate(squares.begin(), squares.end(), 0.0);
  return all;
}

} // namespace latticelens
