// Proof of what a rounding has left to gain (research/lattice.md §5).
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

/// Of each row of a layer, for the scales that it has; in the norm of the damped moments. [out]
/// fp64.
struct Certificate {
  Tensor error;             // of the rounding
  Tensor lower_bound;       // no choice of levels comes below
  Tensor expected, worst;   // what Babai's rule in min-pivot order leaves on average, at most
  Tensor sphere;            // what any rounding leaves on average
  Tensor rate_bound;        // what any code of as many bits leaves on average
  double profile_ratio = 1; // arithmetic over geometric mean of L_ii²
};

/// steps: of improving the bound; 0 is quick. Needs the damping that the rounding was made with.
Certificate certify(const RoundingProblem& layer, const Rounded& rounded, int steps);

} // namespace latticelens
