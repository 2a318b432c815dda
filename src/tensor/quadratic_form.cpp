#include "tensor/quadratic_form.h"

#include "core/error.h"
#include "kernels/product.h"
#include "tensor/total.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <numeric>

namespace latticelens {
namespace {

constexpr std::int64_t rows_per_task = 128;

/// Columns [first, first + strip_width) of S on and below their diagonal square, as a strip; what
/// lies below stands for what lies above too, so it counts twice.
std::vector<double> strip_of(const double* s, std::int64_t n, std::int64_t first) {
  const std::int64_t count = std::min(strip_width, n - first);
  std::vector<double> strip((n - first) * strip_width);
  for (std::int64_t k = first; k < n; ++k)
    for (std::int64_t j = 0; j < count; ++j)
      strip[(k - first) * strip_width + j] = (k < first + count ? 1 : 2) * s[k * n + first + j];
  return strip;
}

/// The part of the sum that the columns of one strip give.
double sum_of_strip(const double* d, std::int64_t rows, const double* s, std::int64_t n,
                    std::int64_t first) {
  const std::int64_t count = std::min(strip_width, n - first);
  const std::vector<double> strip = strip_of(s, n, first);
  std::vector<double> product(rows_per_task * strip_width);
  double sums[strip_width] = {};
  for (std::int64_t row = 0; row < rows; row += rows_per_task) {
    const std::int64_t part = std::min(rows_per_task, rows - row);
    const double* from = d + row * n + first;
    std::fill(product.begin(), product.end(), 0.0);
    add_product<double>(part, n - first, {from, n}, strip.data(), product.data(), strip_width);
    for (std::int64_t i = 0; i < part; ++i)
      for (std::int64_t j = 0; j < count; ++j)
        sums[j] += product[i * strip_width + j] * from[i * n + j];
  }
  return std::accumulate(sums, sums + strip_width, 0.0);
}

} // namespace

double quadratic_form(const Tensor& rows, const Tensor& symmetric) {
  require(rows.size(1) == symmetric.size(0), "error",
          "moments of another width than the weight; this is a mistake in the program, report it");
  const Tensor d = rows.contiguous(), s = symmetric.contiguous();
  const std::int64_t n = d.size(1), strips = (n + strip_width - 1) / strip_width;
  std::vector<double> sums(strips);
  at::parallel_for(0, strips, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      sums[i] = sum_of_strip(d.const_data_ptr<double>(), d.size(0), s.const_data_ptr<double>(), n,
                             i * strip_width);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

namespace reference {

double quadratic_form(const Tensor& rows, const Tensor& symmetric) {
  return total(at::matmul(rows, symmetric) * rows);
}

} // namespace reference
} // namespace latticelens
