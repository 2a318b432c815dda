#include "rounding/gptq.h"

#include "rounding/lattice_problem.h"

namespace latticelens {

Rounded round_gptq(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  return round_on_lattice(layer, options.at("damp"), nearest_plane);
}

namespace reference {

Rounded round_gptq(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  return round_on_lattice(layer, options.at("damp"), [](const LatticeProblem& problem) {
    return reference::babai(problem.target, problem.factor.l, problem.layer.format.grid,
                            problem.blocks, problem.choose);
  });
}

} // namespace reference
} // namespace latticelens
