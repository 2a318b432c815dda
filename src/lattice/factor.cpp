#include "lattice/factor.h"

#include "tensor/cholesky.h"
#include <ATen/ATen.h>

namespace latticelens {

LatticeFactor factor_moments(const Tensor& h, double damping, const std::string& where) {
  // With J the reversal: J H J = C Cᵀ, so H = (J C J)(J C J)ᵀ and Lᵀ = J C J.
  DampedCholesky reversed = damped_cholesky(h.flip({0, 1}), damping, where);
  return {reversed.lower.flip({0, 1}).t().contiguous(), reversed.damping, reversed.escalations};
}

} // namespace latticelens
