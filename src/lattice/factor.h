// The lattice basis of a layer, from its moments (Birnick: X = QL; Chen et al.: the Cholesky factor
// in reverse order).
#pragma once
#include "tensor/tensor.h"
#include <string>

namespace latticelens {

struct LatticeFactor {
  Tensor l;            // [n, n] fp64 lower triangular, positive diagonal: H + lambda I = Lᵀ L
  double damping = 0;  // lambda / mean diagonal that was used
  int escalations = 0; // see DampedCholesky
};

/// h [n, n]: sum of x xᵀ over the layer's inputs. Errors as damped_cholesky.
LatticeFactor factor_moments(const Tensor& h, double damping, const std::string& where);

} // namespace latticelens
