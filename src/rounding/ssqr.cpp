#include "rounding/ssqr.h"

#include "core/error.h"
#include "rounding/lattice_problem.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

constexpr int bisections = 12; // of the logarithm of a factor between 1/8 and 8
constexpr double factor_bits = 32, outlier_bits = 32 + 32; // with its place

/// Rounds with the steps [in, out] given; what lies outside the grid is kept.
BabaiResult round_with(const LatticeProblem& problem, const Tensor& steps) {
  BabaiOptions options = problem.blocks;
  options.keep_outside = true;
  options.candidates = 1;
  options.steps_per_panel = false;
  const ChooseSteps given = [&](const Part& part, const float*, int, float* to) {
    copy_part(steps, part, to);
  };
  return babai(problem.target, problem.factor.l, problem.layer.format.grid, options, given);
}

Tensor outside(const BabaiResult& found, const ElementGrid& grid) {
  return found.values.abs() > found.steps * grid.maximum;
}

} // namespace

Rounded round_ssqr(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  const double density = options.at("density");
  require(density > 0 && density < 1, "rounding", "ssqr: the density lies between 0 and 1");
  RoundingProblem fixed = layer; // the factor is searched over whole passes: scales must not move
  fixed.scales = {ScaleTime::fixed};
  const ElementGrid& grid = layer.format.grid;
  Tensor factors;
  Rounded rounded = round_on_lattice(fixed, options.at("damp"), [&](const LatticeProblem& problem) {
    const Tensor base = fixed_steps(layer.format, layer.weight, problem.factor.order);
    const std::int64_t rows = base.size(1);
    Tensor low = at::full({rows}, -3.0, at::kDouble), high = at::full({rows}, 3.0, at::kDouble);
    for (int i = 0; i < bisections; ++i) {
      const Tensor middle = (low + high) / 2;
      const BabaiResult found = round_with(problem, base * at::exp2(middle).to(at::kFloat));
      // Fewer weights lie outside a wider grid.
      const Tensor too_many = outside(found, grid).to(at::kDouble).mean(0) > density;
      low = at::where(too_many, middle, low);
      high = at::where(too_many, high, middle);
    }
    factors = at::exp2(high).to(at::kFloat);
    return round_with(problem, base * factors);
  });
  const auto in = static_cast<double>(layer.weight.size(1));
  const Tensor step = rounded.scales.repeat_interleave(layer.format.block, 1);
  rounded.outliers = (rounded.values.abs() > step * grid.maximum).sum().item<std::int64_t>();
  rounded.clipped = 0; // what lies outside is kept
  rounded.bits = layer.format.bits() + factor_bits / in +
                 outlier_bits * static_cast<double>(rounded.outliers) /
                     static_cast<double>(rounded.values.numel());
  return rounded;
}

} // namespace latticelens
