#include "lattice/factor.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {

LatticeFactor factor_moments(const Tensor& h, const FactorOptions& options,
                             const std::string& where) {
  const double mean = h.diagonal().mean().item<double>();
  require(std::isfinite(mean), "lattice",
          where + ": the moments are not finite; the activations overflowed");
  require(mean > 0, "lattice",
          where + ": the moments are all zero; no calibration token reached this layer");
  require(h.size(0) % options.block == 0, "lattice",
          where + ": " + std::to_string(h.size(0)) + " inputs are no multiple of the block of " +
              std::to_string(options.block));
  const OrderRow& row = order_row(options.order);
  double damping = options.damping;
  constexpr int attempts = 7;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    OrderedFactor result;
    if (row.factor(h, damping * mean, options.block, result))
      return {result.l, result.order, damping * mean, damping, attempt};
    require(std::isfinite(h.sum().item<double>()), "lattice",
            where + ": the moments are not finite; the activations overflowed");
    damping = std::max(damping, 1e-6) * 10;
  }
  throw Error("lattice", where + ": the moments are not positive definite even with damping " +
                             std::to_string(damping / 10) + "; calibrate with more text");
}

Tensor feedback_of(const Tensor& l) {
  const std::int64_t n = l.size(0);
  Tensor feedback = at::empty({n, n}, at::kFloat);
  const double* source = l.const_data_ptr<double>();
  float* target = feedback.mutable_data_ptr<float>();
  at::parallel_for(0, n, 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const double inverse = 1 / source[i * n + i];
      for (std::int64_t j = 0; j < n; ++j)
        target[i * n + j] = static_cast<float>(source[i * n + j] * inverse);
    }
  });
  return feedback;
}

} // namespace latticelens
