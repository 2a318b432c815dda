#include "rounding/klein.h"

#include "lattice/klein.h"
#include "rounding/lattice_problem.h"

namespace latticelens {

Rounded round_klein(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  const KleinOptions draws{.samples = static_cast<std::int64_t>(options.at("samples")),
                           .temperature = options.at("temperature"),
                           .seed = static_cast<std::uint64_t>(options.at("seed"))};
  return round_on_lattice(layer, options.at("damp"), [&](const LatticeProblem& problem) {
    return klein(problem.target, problem.factor.l, layer.format.grid, draws, problem.blocks,
                 problem.choose);
  });
}

} // namespace latticelens
