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

/// What the problem is solved with: how much the moments are damped, and how far the target goes
/// from the weights (0) to what makes up for the input's own errors (1; research §1.3).
struct Regularisation {
  double damping = 0.01;
  double strength = 1;
};

/// The layer at one regularisation, on the given moments. Blocks of the format stay together in the
/// order unless scales are static (as those of blocks beyond 128 are), for only then a coordinate's
/// scale does not wait for its neighbours.
LatticeProblem lattice_problem(const RoundingProblem& layer, const Moments& moments,
                               const Regularisation& regularisation);

/// Whether the scales are those of the weights before any rounding, as they must be for blocks
/// beyond 128. Error: such a block whose scales are asked to wait.
bool scales_are_fixed(const Format& format, const ScaleSpec& scales);

/// Steps [in, out] in the order of rounding, fitted to the weights before any rounding.
Tensor fixed_steps(const Format& format, const Tensor& weight, const Order& order);
/// The part's steps out of steps [in, out]; padding rows get any.
void copy_part(const Tensor& steps, const Part& part, float* to);

/// Back to the layer's own order, with the scales of its blocks.
Rounded finish(const LatticeProblem& problem, const BabaiResult& solved);

using Solve = std::function<BabaiResult(const LatticeProblem&)>;

/// Babai's rule, and the K-best search.
BabaiResult nearest_plane(const LatticeProblem& problem);
BabaiResult search(const LatticeProblem& problem, std::int64_t paths);

struct Choice {
  Regularisation regularisation;
  std::optional<double> held_out_error; // of gptq that saw only the other tokens, when that chose
};

/// The damping given; with `automatic` that damping, and that strength of a mismatch target, which
/// leave gptq the least error on the tokens held out when it sees only the others. Error: automatic
/// without held-out tokens.
Choice choose_regularisation(const RoundingProblem& layer, double damping);

/// Solves the layer at the regularisation chosen.
Rounded round_on_lattice(const RoundingProblem& layer, double damping, const Solve& solve);

} // namespace latticelens
