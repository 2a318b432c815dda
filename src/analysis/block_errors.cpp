#include "analysis/block_errors.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::int64_t values_per_task = 1 << 15;

/// Calls `work(row)` for all rows, in parallel.
template<typename Work>
void for_rows(std::int64_t rows, std::int64_t width, const Work& work) {
  const std::int64_t grain =
      std::max<std::int64_t>(1, values_per_task / std::max<std::int64_t>(1, width));
  at::parallel_for(0, rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      work(row);
  });
}

double sum_of(const std::vector<double>& rows) {
  double sum = 0;
  for (const double row : rows)
    sum += row;
  return sum;
}

double square(float value) {
  return static_cast<double>(value) * value;
}

} // namespace

BlockNumbers block_numbers(const Tensor& values, const Tensor& rounded, std::int64_t block) {
  const Tensor x = values.contiguous(), q = rounded.contiguous();
  const float* from = x.const_data_ptr<float>();
  const float* to = q.const_data_ptr<float>();
  const std::int64_t blocks = x.numel() / block;
  BlockNumbers numbers{std::vector<float>(blocks), std::vector<double>(blocks)};
  for_rows(blocks, block, [&](std::int64_t i) {
    for (std::int64_t k = i * block; k < (i + 1) * block; ++k) {
      numbers.maximum[i] = std::max(numbers.maximum[i], std::fabs(from[k]));
      numbers.error[i] += square(from[k] - to[k]);
    }
  });
  return numbers;
}

double squared_error(const Tensor& values, const Tensor& rounded) {
  const Tensor x = values.contiguous(), q = rounded.contiguous();
  const float* from = x.const_data_ptr<float>();
  const float* to = q.const_data_ptr<float>();
  const std::int64_t width = x.size(1);
  std::vector<double> rows(x.size(0));
  for_rows(x.size(0), width, [&](std::int64_t row) {
    for (std::int64_t k = row * width; k < (row + 1) * width; ++k)
      rows[row] += square(from[k] - to[k]);
  });
  return sum_of(rows);
}

double energy_of(const Tensor& x) {
  const Tensor values = x.contiguous();
  const float* from = values.const_data_ptr<float>();
  const std::int64_t width = x.size(1);
  std::vector<double> rows(x.size(0));
  for_rows(x.size(0), width, [&](std::int64_t row) {
    for (std::int64_t k = row * width; k < (row + 1) * width; ++k)
      rows[row] += square(from[k]);
  });
  return sum_of(rows);
}

float outlier_threshold(const Tensor& x, double share) {
  const Tensor copy = x.abs().contiguous();
  const float* first = copy.const_data_ptr<float>();
  std::vector<float> magnitudes(first, first + copy.numel());
  const auto count = static_cast<std::ptrdiff_t>(
      std::max(1.0, std::round(share * static_cast<double>(magnitudes.size()))));
  std::nth_element(magnitudes.begin(), magnitudes.begin() + (count - 1), magnitudes.end(),
                   std::greater<>());
  return magnitudes[count - 1];
}

} // namespace latticelens
