// A layer as a closest-vector problem: factor, target and scales in the order of rounding.
#pragma once
#include "lattice/babai.h"
#include "lattice/factor.h"
#include "rounding/rounding.h"

namespace latticelens {

struct LatticeProblem {
  const RoundingProblem& layer;
  LatticeFactor factor;
  Tensor target;       // [in, out] fp32, rows in the order of rounding
  BabaiOptions blocks; // how scales are chosen along the way
  ChooseSteps choose;
};

/// The layer at one damping. Blocks of the format stay together in the order unless scales are
/// static, for only then a coordinate's scale does not wait for its neighbours.
LatticeProblem lattice_problem(const RoundingProblem& layer, double damping);

/// Back to the layer's own order, with the scales of its blocks.
Rounded finish(const LatticeProblem& problem, const BabaiResult& solved);

} // namespace latticelens
