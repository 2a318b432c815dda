#include "rounding/portfolio.h"

#include "lattice/descent.h"
#include "rounding/lattice_problem.h"
#include "rounding/reduced.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

struct Member {
  const char* order;
  bool searches; // with the K of the options; false: gptq
};

// Natural gptq is a member so that the best of all is never worse than it.
constexpr Member members[] = {{"natural", false}, {"activation", true}, {"min-pivot", true}};

void descend_from(BabaiResult& found, const LatticeProblem& problem, const DescentOptions& moves) {
  const DescentResult lower =
      descend(problem.target, found.values, found.steps,
              at::matmul(problem.factor.l.t(), problem.factor.l), problem.layer.format.grid, moves);
  found.values = lower.values;
  found.errors = lower.errors;
}

Rounded solve(const RoundingProblem& layer, const Moments& moments,
              const Regularisation& regularisation, std::int64_t paths,
              const DescentOptions& moves) {
  const LatticeProblem problem = lattice_problem(layer, moments, regularisation);
  BabaiResult found = paths > 1 ? search(problem, paths) : nearest_plane(problem);
  descend_from(found, problem, moves);
  return finish(problem, found);
}

/// One lattice serves all rows: the same on its reduced basis, where that stays inside the grid.
Rounded reduced_and_descended(const RoundingProblem& layer, const Moments& moments,
                              const Regularisation& regularisation, const DescentOptions& moves) {
  RoundingProblem problem = layer;
  problem.order = "min-pivot";
  const LatticeProblem lattice = lattice_problem(problem, moments, regularisation);
  std::int64_t overflow_rows = 0;
  BabaiResult found = nearest_plane_reduced(lattice, {}, overflow_rows);
  descend_from(found, lattice, moves);
  Rounded rounded = finish(lattice, found);
  rounded.overflow_rows = overflow_rows;
  return rounded;
}

/// Takes the rows in which `other` has the smaller error.
void keep_better(const Rounded& other, Rounded& best) {
  const Tensor better = other.solver_error < best.solver_error;
  best.values = at::where(better.unsqueeze(1), other.values, best.values);
  best.scales = at::where(better.unsqueeze(1), other.scales, best.scales);
  best.solver_error = at::where(better, other.solver_error, best.solver_error);
  if (other.overflow_rows)
    best.overflow_rows = other.overflow_rows;
  best.escalations = std::max(best.escalations, other.escalations);
  best.clipped =
      std::max(best.clipped, other.clipped); // of one member; layers.jsonl counts its own
}

Rounded best_of_all(const RoundingProblem& layer, const Moments& moments,
                    const Regularisation& regularisation,
                    const std::map<std::string, double>& options) {
  const DescentOptions moves{.pairs = static_cast<int>(options.at("pairs"))};
  Rounded best;
  for (const Member& member : members) {
    RoundingProblem problem = layer;
    problem.order = member.order;
    const auto paths = static_cast<std::int64_t>(member.searches ? options.at("paths") : 1);
    const Rounded found = solve(problem, moments, regularisation, paths, moves);
    if (!best.values.defined())
      best = found;
    else
      keep_better(found, best);
  }
  if (shares_one_lattice(layer.format, layer.weight.size(1)))
    keep_better(reduced_and_descended(layer, moments, regularisation, moves), best);
  return best;
}

} // namespace

Rounded round_portfolio(const RoundingProblem& layer,
                        const std::map<std::string, double>& options) {
  const Choice choice = choose_regularisation(layer, options.at("damp"));
  Rounded best = best_of_all(layer, layer.moments, choice.regularisation, options);
  best.strength = choice.regularisation.strength;
  if (!layer.moments.held_out)
    return best;
  // A search can fit the sample rather than the layer: the same search, blind to the tokens held
  // out.
  const Moments& judge = *layer.moments.held_out;
  const Moments fitted = difference(layer.moments, judge);
  const Rounded blind = best_of_all(layer, fitted, choice.regularisation, options);
  best.held_out_error = output_error(layer.weight, blind.values, judge);
  const LatticeProblem plain = lattice_problem(layer, fitted, choice.regularisation);
  best.held_out_gptq_error =
      output_error(layer.weight, finish(plain, nearest_plane(plain)).values, judge);
  return best;
}

} // namespace latticelens
