// Proof of what a rounding has left to gain (research/lattice.md §5).
#pragma once
#include "lattice/certificates.h"
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
  LowerBounds bounds;       // what lower_bound is the largest of
  double profile_ratio = 1; // arithmetic over geometric mean of L_ii²
  Tensor profile;           // [33] log2 L_ii at equal distances, first rounded first
  double overflow = 0;      // share of the weights whose target is forecast to lie outside the grid
};

/// steps: of improving the bounds; 0 is quick, and leaves out the overflow. Needs the damping that
/// the rounding was made with.
Certificate certify(const RoundingProblem& layer, const Rounded& rounded, int steps);

} // namespace latticelens
