#include "tensor/gram.h"

#include "kernels/product.h"
#include "tensor/linear.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

/// The square of `gram` where the rows of strip `i` and the columns of strip `j` meet.
void add_square(const StripMatrix& columns, std::int64_t i, std::int64_t j, double* gram) {
  std::vector<float> product(strip_width * strip_width);
  add_product<float>(strip_width, columns.depth(), {columns.strip(i), 1, strip_width},
                     columns.strip(j), product.data(), strip_width);
  const std::int64_t width = columns.rows();
  for (std::int64_t row = 0; row < columns.rows_of(i); ++row) {
    double* to = gram + (i * strip_width + row) * width + j * strip_width;
    for (std::int64_t column = 0; column < columns.rows_of(j); ++column)
      to[column] += product[row * strip_width + column];
  }
}

} // namespace

void add_gram(const Tensor& x, Tensor& gram) {
  const StripMatrix columns(x.t());
  std::vector<std::pair<std::int64_t, std::int64_t>> squares;
  for (std::int64_t i = 0; i < columns.count(); ++i)
    for (std::int64_t j = 0; j <= i; ++j)
      squares.emplace_back(i, j);
  double* sums = gram.mutable_data_ptr<double>();
  at::parallel_for(0, static_cast<std::int64_t>(squares.size()), 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t s = begin; s < end; ++s)
                       add_square(columns, squares[s].first, squares[s].second, sums);
                   });
}

namespace reference {

void add_gram(const Tensor& x, Tensor& gram) {
  gram.add_(at::matmul(x.t(), x));
}

} // namespace reference
} // namespace latticelens
