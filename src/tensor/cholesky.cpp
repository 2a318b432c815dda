#include "tensor/cholesky.h"

#include "core/error.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr std::int64_t panel = 256;

std::tuple<Tensor, Tensor> factor_block(const Tensor& block) {
  const SingleThreadMkl one_thread;
  return at::linalg_cholesky_ex(block);
}

/// Factors the lower triangle of `a` in place; false when it is not positive definite. LAPACK sees
/// only the diagonal blocks, on one thread: the rest are matrix products, whose bytes do not depend
/// on the number of threads.
bool factor_in_place(Tensor& a) {
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
    below.copy_(at::linalg_solve_triangular(lower.t(), below, /*upper=*/true, /*left=*/false));
    for (std::int64_t column = last; column < n; column += panel) {
      const std::int64_t end = std::min(column + panel, n);
      a.slice(0, column)
          .slice(1, column, end)
          .addmm_(below.slice(0, column - last), below.slice(0, column - last, end - last).t(), 1,
                  -1);
    }
  }
  return true;
}

} // namespace

DampedCholesky damped_cholesky(const Tensor& h, double damping, const std::string& where) {
  const double mean = h.diagonal().mean().item<double>();
  require(std::isfinite(mean), "cholesky",
          where + ": the moments are not finite; the activations overflowed");
  require(mean > 0, "cholesky",
          where + ": the moments are all zero; no calibration token reached this layer");
  constexpr int attempts = 7;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    Tensor lower = h.clone();
    lower.diagonal().add_(damping * mean);
    if (factor_in_place(lower))
      return {lower.tril_(), damping, attempt};
    damping = std::max(damping, 1e-6) * 10;
  }
  throw Error("cholesky", where + ": the moments are not positive definite even with damping " +
                              std::to_string(damping / 10) + "; calibrate with more text");
}

} // namespace latticelens
