#include "tensor/cholesky.h"

#include "core/error.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>

namespace latticelens {

DampedCholesky damped_cholesky(const Tensor& h, double damping, const std::string& where) {
  const double mean = h.diagonal().mean().item<double>();
  require(std::isfinite(mean), "cholesky",
          where + ": the moments are not finite; the activations overflowed");
  require(mean > 0, "cholesky",
          where + ": the moments are all zero; no calibration token reached this layer");
  const SingleThreadMkl one_thread;
  constexpr int attempts = 7;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    Tensor damped = h.clone();
    damped.diagonal().add_(damping * mean);
    auto [lower, info] = at::linalg_cholesky_ex(damped);
    if (info.item<int>() == 0)
      return {lower, damping, attempt};
    damping = std::max(damping, 1e-6) * 10;
  }
  throw Error("cholesky", where + ": the moments are not positive definite even with damping " +
                              std::to_string(damping / 10) + "; calibrate with more text");
}

} // namespace latticelens
