// The lattice basis of a layer, from its moments (Birnick: X = QL; Chen et al.: the Cholesky factor
// in reverse order).
#pragma once
#include "lattice/order.h"
#include "tensor/tensor.h"
#include <string>

namespace latticelens {

struct LatticeFactor {
  Tensor l; // [n, n] fp64 lower triangular, positive diagonal: (H + lambda I)[order, order] = Lᵀ L
  Order order;
  double lambda = 0;   // what was added to the diagonal
  double damping = 0;  // lambda / mean diagonal
  int escalations = 0; // how often it had to be raised tenfold
};

/// How to factor: where to start with damping, and in which order.
struct FactorOptions {
  double damping = 0.01;
  std::string order = "natural";
  std::int64_t block = 1; // coordinates that the order keeps together
};

/// h [n, n] fp64 symmetric: sum of x xᵀ over the layer's inputs. Starts with lambda = damping *
/// mean(diag H), raised tenfold (from at least 1e-6) at most six times. Errors, naming `where`: not
/// finite, all zero, still not positive definite, n no multiple of the block.
LatticeFactor factor_moments(const Tensor& h, const FactorOptions& options,
                             const std::string& where);

/// Row i of L divided by L_ii, fp32 [n, n]: what Babai's feedback form multiplies errors with.
Tensor feedback_of(const Tensor& l);

} // namespace latticelens
