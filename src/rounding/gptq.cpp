#include "rounding/gptq.h"

#include "lattice/babai.h"
#include "lattice/factor.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

using Babai = BabaiResult (*)(const Tensor&, const Tensor&, const ElementGrid&, const BabaiOptions&,
                              const ChooseSteps&);

Rounded round_with(Babai solve, const RoundingProblem& problem,
                   const std::map<std::string, double>& options) {
  const Format& format = problem.format;
  const LatticeFactor factor =
      factor_moments(problem.moments.gram, options.at("damp"), problem.name);
  const std::int64_t out = problem.weight.size(0), in = problem.weight.size(1);
  Rounded rounded;
  rounded.scales = at::empty({out, in / format.block}, at::kFloat);
  const ChooseSteps choose = [&](const Part& part, const Tensor& residual) {
    const Tensor scales = format.fit(residual.t()); // [rows, columns / block]
    const std::int64_t first = part.first_column / format.block;
    rounded.scales.slice(0, part.first_row, part.first_row + scales.size(0))
        .slice(1, first, first + scales.size(1))
        .copy_(scales);
    return scales.t().repeat_interleave(format.block, 0);
  };
  const BabaiOptions settings{.block = format.block,
                              .steps_per_panel = problem.scales == ScaleTime::stale};
  const Tensor transposed = problem.weight.t().contiguous();
  const BabaiResult result = solve(transposed, factor.l, format.grid, settings, choose);
  rounded.values = result.values.t().contiguous();
  rounded.clipped = result.clipped;
  rounded.damping = factor.damping;
  rounded.escalations = factor.escalations;
  return rounded;
}

} // namespace

Rounded round_gptq(const RoundingProblem& problem, const std::map<std::string, double>& options) {
  return round_with(&babai, problem, options);
}

namespace reference {

Rounded round_gptq(const RoundingProblem& problem, const std::map<std::string, double>& options) {
  return round_with(&reference::babai, problem, options);
}

} // namespace reference
} // namespace latticelens
