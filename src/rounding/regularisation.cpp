// Which damping a layer is solved with.
#include "core/error.h"
#include "rounding/lattice_problem.h"
#include <ATen/ATen.h>
#include <limits>

namespace latticelens {
namespace {

constexpr double dampings[] = {0.003, 0.01, 0.03, 0.1, 0.3, 1};
constexpr double strengths[] = {0, 0.5, 1};

Choice choose(const RoundingProblem& layer) {
  const Moments& all = layer.moments;
  require(all.held_out != nullptr, "rounding",
          layer.name +
              ": damp=auto judges on tokens held out; calibrate with at least 4 windows, or give a "
              "number");
  const Moments fitted = difference(all, *all.held_out);
  Choice best{{}, std::numeric_limits<double>::infinity()};
  for (const double damping : dampings)
    for (const double strength : strengths) {
      if (!all.cross.defined() && strength != 1)
        continue; // without a mismatch there is nothing to make up for
      const LatticeProblem problem = lattice_problem(layer, fitted, {damping, strength});
      const Rounded rounded = finish(problem, nearest_plane(problem));
      const double error = output_error(layer.weight, rounded.values, *all.held_out);
      if (error < *best.held_out_error)
        best = {{damping, strength}, error};
    }
  require(std::isfinite(*best.held_out_error), "rounding",
          layer.name + ": no damping gives a finite error on the tokens held out");
  return best;
}

} // namespace

Choice choose_regularisation(const RoundingProblem& layer, double damping) {
  return damping == automatic ? choose(layer) : Choice{{damping, 1}, std::nullopt};
}

Rounded round_on_lattice(const RoundingProblem& layer, double damping, const Solve& solve) {
  const Choice choice = choose_regularisation(layer, damping);
  const LatticeProblem problem = lattice_problem(layer, layer.moments, choice.regularisation);
  Rounded rounded = finish(problem, solve(problem));
  rounded.strength = choice.regularisation.strength;
  rounded.held_out_error = choice.held_out_error;
  return rounded;
}

} // namespace latticelens
