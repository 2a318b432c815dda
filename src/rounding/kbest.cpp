#include "rounding/kbest.h"

#include "rounding/lattice_problem.h"

namespace latticelens {

Rounded round_kbest(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  const auto paths = static_cast<std::int64_t>(options.at("paths"));
  return round_on_lattice(layer, options.at("damp"), [paths](const LatticeProblem& problem) {
    return search(problem, paths);
  });
}

} // namespace latticelens
