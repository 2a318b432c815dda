#include "lattice/factor.h"

#include "core/error.h"
#include "tensor/cholesky.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

// Factors are as large as the layer: each is written in one pass over memory, in parallel.
constexpr std::int64_t rows_per_task = 8;

template<typename Work>
void for_rows(std::int64_t n, const Work& work) {
  at::parallel_for(0, n, rows_per_task, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      work(i);
  });
}

/// J (H + lambda I) J with J the reversal; only its lower triangle.
Tensor reversed_and_damped(const Tensor& h, double lambda) {
  const std::int64_t n = h.size(0);
  const Tensor from = h.contiguous();
  Tensor reversed = at::empty({n, n}, h.options());
  const double* source = from.const_data_ptr<double>();
  double* target = reversed.mutable_data_ptr<double>();
  for_rows(n, [&](std::int64_t i) {
    const double* row = source + (n - 1 - i) * n + n - 1;
    for (std::int64_t j = 0; j <= i; ++j)
      target[i * n + j] = row[-j];
    target[i * n + i] += lambda;
  });
  return reversed;
}

/// With J H J = C Cᵀ: H = (J C J)(J C J)ᵀ, so Lᵀ = J C J and L_ij = C_(n-1-j)(n-1-i).
Tensor lattice_of(const Tensor& c) {
  const std::int64_t n = c.size(0);
  Tensor l = at::zeros({n, n}, c.options());
  const double* source = c.const_data_ptr<double>();
  double* target = l.mutable_data_ptr<double>();
  at::parallel_for(0, (n + rows_per_task - 1) / rows_per_task, 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t tile = begin; tile < end;
                          ++tile) { // column by column of C within a band of rows of L
                       const std::int64_t first = tile * rows_per_task,
                                          last = std::min(first + rows_per_task, n);
                       for (std::int64_t j = 0; j < last; ++j)
                         for (std::int64_t i = std::max(first, j); i < last; ++i)
                           target[i * n + j] = source[(n - 1 - j) * n + n - 1 - i];
                     }
                   });
  return l;
}

} // namespace

LatticeFactor factor_moments(const Tensor& h, double damping, const std::string& where) {
  const double mean = h.diagonal().mean().item<double>();
  require(std::isfinite(mean), "lattice",
          where + ": the moments are not finite; the activations overflowed");
  require(mean > 0, "lattice",
          where + ": the moments are all zero; no calibration token reached this layer");
  constexpr int attempts = 7;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    Tensor reversed = reversed_and_damped(h, damping * mean);
    if (cholesky_in_place(reversed))
      return {lattice_of(reversed), damping, attempt};
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
  for_rows(n, [&](std::int64_t i) {
    const double inverse = 1 / source[i * n + i];
    for (std::int64_t j = 0; j < n; ++j)
      target[i * n + j] = static_cast<float>(source[i * n + j] * inverse);
  });
  return feedback;
}

} // namespace latticelens
