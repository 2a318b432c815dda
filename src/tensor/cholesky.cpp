#include "tensor/cholesky.h"

#include "tensor/single_thread.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr std::int64_t panel = 192;

std::tuple<Tensor, Tensor> factor_block(const Tensor& block) {
  const SingleThreadMkl one_thread;
  return at::linalg_cholesky_ex(block);
}

} // namespace

// LAPACK sees only diagonal blocks, on one thread; the rest are matrix products, which give the
// same bytes on any number.
bool cholesky_in_place(Tensor& a) {
  const std::int64_t n = a.size(0);
  for (std::int64_t first = 0; first < n; first += panel) {
    const std::int64_t last = std::min(first + panel, n);
    Tensor diagonal = a.slice(0, first, last).slice(1, first, last);
    const auto [lower, info] = factor_block(diagonal);
    if (info.item<int>() != 0)
      return false;
    diagonal.copy_(lower);
    if (last == n)
      break;
    Tensor below = a.slice(0, last).slice(1, first, last);
    const Tensor inverse =
        at::linalg_solve_triangular(lower, at::eye(last - first, lower.options()), /*upper=*/false);
    const Tensor solved = at::matmul(below, inverse.t());
    below.copy_(solved);
    for (std::int64_t column = last; column < n; column += panel) {
      const std::int64_t end = std::min(column + panel, n);
      a.slice(0, column)
          .slice(1, column, end)
          .addmm_(solved.slice(0, column - last), solved.slice(0, column - last, end - last).t(), 1,
                  -1);
    }
  }
  return true;
}

} // namespace latticelens
