#include "rounding/gptq.h"

#include "rounding/lattice_problem.h"

namespace latticelens {

Rounded round_gptq(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  const LatticeProblem problem = lattice_problem(layer, options.at("damp"));
  return finish(problem, babai(problem.target, problem.factor.l, layer.format.grid, problem.blocks,
                               problem.choose));
}

namespace reference {

Rounded round_gptq(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  const LatticeProblem problem = lattice_problem(layer, options.at("damp"));
  return finish(problem, reference::babai(problem.target, problem.factor.l, layer.format.grid,
                                          problem.blocks, problem.choose));
}

} // namespace reference
} // namespace latticelens
