// The lattice basis of a layer, from its moments (Birnick: X = QL; Chen et al.: the Cholesky factor
// in reverse order).
#pragma once
#include "tensor/tensor.h"
#include <string>

namespace latticelens {

struct LatticeFactor {
  Tensor l;            // [n, n] fp64 lower triangular, positive diagonal: H + lambda I = Lᵀ L
  double damping = 0;  // lambda / mean diagonal that was used
  int escalations = 0; // how often it had to be raised tenfold
};

/// h [n, n] fp64 symmetric: sum of x xᵀ over the layer's inputs. Starts with lambda = damping *
/// mean(diag H), raised tenfold (from at least 1e-6) at most six times. Errors, naming `where`: not
/// finite, all zero, still not positive definite.
LatticeFactor factor_moments(const Tensor& h, double damping, const std::string& where);

/// Row i of L divided by L_ii, fp32 [n, n]: what Babai's feedback form multiplies errors with.
Tensor feedback_of(const Tensor& l);

} // namespace latticelens
