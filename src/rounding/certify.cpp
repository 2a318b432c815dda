#include "rounding/certify.h"

#include "rounding/lattice_problem.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// H + lambda I in the order of rounding.
Tensor damped_moments(const RoundingProblem& layer, const LatticeFactor& factor) {
  Tensor h = in_order(in_order(layer.moments.gram, factor.order).t().contiguous(), factor.order);
  h.diagonal().add_(factor.lambda);
  return h;
}

/// Values at equal distances, both ends included.
Tensor sampled(const Tensor& values) {
  constexpr std::int64_t points = 33;
  const Tensor places =
      at::linspace(0, static_cast<double>(values.size(0) - 1), points, at::kDouble);
  return values.index_select(0, places.round().to(at::kLong));
}

} // namespace

Certificate certify(const RoundingProblem& layer, const Rounded& rounded, int steps) {
  RoundingProblem free = layer; // the order of a proof is ours to choose, coordinate by coordinate
  free.order = "min-pivot";
  free.scales = {ScaleTime::fixed};
  const LatticeProblem problem =
      lattice_problem(free, layer.moments, {rounded.damping, rounded.strength});
  const Order& order = problem.factor.order;
  const Tensor values =
      in_order(layer.format.without_offsets(rounded.values).t().contiguous(), order);
  const Tensor scales = layer.format.frame ? layer.format.fit(layer.weight) : rounded.scales;
  const Tensor all_steps =
      in_order(scales.repeat_interleave(layer.format.block, 1).t().contiguous(), order);
  const Certificates lattice(
      {problem.factor.l, problem.target, values, all_steps, layer.format.grid});
  const Forecast forecast = lattice.forecast();
  const LowerBounds bounds = lattice.lower_bounds(damped_moments(layer, problem.factor), steps);
  const Tensor variance = layer.weight.to(at::kDouble).square().mean(1);
  return {.error = lattice.errors(),
          .lower_bound = bounds.best,
          .expected = forecast.expected,
          .worst = forecast.worst,
          .sphere = forecast.sphere,
          .rate_bound = variance * rate_bound(problem.factor.l, 1, layer.format.bits()),
          .bounds = bounds,
          .profile_ratio = profile_ratio(problem.factor.l),
          .profile = sampled(problem.factor.l.diagonal().log2()),
          .overflow = steps > 0 ? lattice.overflow().mean().item<double>() : 0};
}

} // namespace latticelens
