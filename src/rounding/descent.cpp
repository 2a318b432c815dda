#include "rounding/descent.h"

#include "lattice/descent.h"
#include "lattice/kbest.h"
#include "rounding/lattice_problem.h"
#include <ATen/ATen.h>

namespace latticelens {

Rounded round_descent(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  const auto paths = static_cast<std::int64_t>(options.at("paths"));
  const DescentOptions moves{.pairs = static_cast<int>(options.at("pairs"))};
  return round_on_lattice(layer, options.at("damp"), [&](const LatticeProblem& problem) {
    BabaiResult found = search(problem, paths);
    const DescentResult lower =
        descend(problem.target, found.values, found.steps,
                at::matmul(problem.factor.l.t(), problem.factor.l), layer.format.grid, moves);
    found.values = lower.values;
    found.errors = lower.errors;
    return found;
  });
}

} // namespace latticelens
