#include "rounding/kbest.h"

#include "lattice/kbest.h"
#include "rounding/lattice_problem.h"

namespace latticelens {

Rounded round_kbest(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  const LatticeProblem problem = lattice_problem(layer, options.at("damp"));
  return finish(problem, kbest(problem.target, problem.factor.l, layer.format.grid,
                               static_cast<std::int64_t>(options.at("paths")), problem.blocks,
                               problem.choose));
}

} // namespace latticelens
