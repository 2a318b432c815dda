#include "tensor/cholesky.h"

#include "tensor/single_thread.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr std::int64_t panel = 128;

std::tuple<Tensor, Tensor> factor_block(const Tensor& block) {
  const SingleThreadMkl one_thread;
  return at::linalg_cholesky_ex(block);
}

} // namespace

// Left-looking: a panel is first corrected by all columns before it, in one matrix product. LAPACK
// sees only diagonal blocks, on one thread; matrix products give the same bytes on any number.
bool cholesky_in_place(Tensor& a) {
  const std::int64_t n = a.size(0);
  for (std::int64_t first = 0; first < n; first += panel) {
    const std::int64_t last = std::min(first + panel, n);
    const Tensor before = a.slice(0, first).slice(1, 0, first);
    if (first > 0)
      a.slice(0, first)
          .slice(1, first, last)
          .addmm_(before, before.slice(0, 0, last - first).t(), 1, -1);
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
    below.copy_(at::matmul(below, inverse.t()));
  }
  return true;
}

} // namespace latticelens
