// Cholesky factorisation with damping that grows, visibly, until it succeeds.
#pragma once
#include "tensor/tensor.h"
#include <string>

namespace latticelens {

struct DampedCholesky {
  Tensor lower;        // [n, n] fp64, C with C Cᵀ = H + lambda I
  double damping = 0;  // lambda / mean diagonal that was used
  int escalations = 0; // how often it had to be raised tenfold
};

/// H [n, n] symmetric fp64. Starts with lambda = damping * mean(diag H), raised tenfold (from at
/// least 1e-6) at most six times. Errors, naming `where`: not finite, a zero matrix, still not
/// positive definite.
DampedCholesky damped_cholesky(const Tensor& h, double damping, const std::string& where);

} // namespace latticelens
