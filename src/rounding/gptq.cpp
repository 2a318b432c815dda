#include "rounding/gptq.h"

#include "lattice/babai.h"
#include "lattice/factor.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

using Babai = BabaiResult (*)(const Tensor&, const Tensor&, const ElementGrid&, const BabaiOptions&,
                              const ChooseSteps&);

/// Fits the blocks of a part; writes the steps of every coordinate and the scales [out, in/block].
void choose_scales(const Format& format, const Part& part, const float* residual, float* steps,
                   const Tensor& scales) {
  const std::int64_t blocks = part.columns / format.block, all_blocks = scales.size(1);
  std::vector<float> rows(part.rows * part.columns), fitted(part.rows * blocks);
  for (std::int64_t column = 0; column < part.columns; ++column)
    for (std::int64_t r = 0; r < part.rows; ++r)
      rows[r * part.columns + column] = residual[column * part.rows + r];
  fit_blocks(rows, format.block, format.rule, format.grid, fitted);
  for (std::int64_t column = 0; column < part.columns; ++column)
    for (std::int64_t r = 0; r < part.rows; ++r)
      steps[column * part.rows + r] = fitted[r * blocks + column / format.block];
  float* stored = scales.mutable_data_ptr<float>() + part.first_row * all_blocks +
                  part.first_column / format.block;
  const std::int64_t real_rows =
      std::min(part.rows, scales.size(0) - part.first_row); // the rest is padding
  for (std::int64_t r = 0; r < real_rows; ++r)
    std::copy_n(fitted.begin() + r * blocks, blocks, stored + r * all_blocks);
}

Rounded round_with(Babai solve, const RoundingProblem& problem,
                   const std::map<std::string, double>& options) {
  const Format& format = problem.format;
  const LatticeFactor factor =
      factor_moments(problem.moments.gram, options.at("damp"), problem.name);
  const std::int64_t out = problem.weight.size(0), in = problem.weight.size(1);
  Rounded rounded;
  rounded.scales = at::empty({out, in / format.block}, at::kFloat);
  const ChooseSteps choose = [&](const Part& part, const float* residual, float* steps) {
    choose_scales(format, part, residual, steps, rounded.scales);
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
