#include "rounding/reduced.h"

#include "core/error.h"
#include "lattice/with_reduction.h"
#include <ATen/ATen.h>

namespace latticelens {

BabaiResult nearest_plane_reduced(const LatticeProblem& problem, const ReductionOptions& options,
                                  std::int64_t& overflow_rows) {
  BabaiResult found = nearest_plane(problem);
  const Tensor steps = found.steps.slice(0, 0, 1).to(at::kDouble); // [1, rows]
  const Reduction reduction = reduce_basis(problem.factor.l, options, problem.layer.name);
  const IntegerRounding free =
      round_with_reduction(problem.factor.l, reduction, problem.target.to(at::kDouble) / steps);
  const Tensor largest = free.integers.abs().amax(0);
  const Tensor inside = largest <= problem.layer.format.grid.maximum;
  const Tensor errors = free.errors * steps.squeeze(0).square();
  const Tensor better = inside.logical_and(errors < found.errors);
  overflow_rows = inside.logical_not().sum().item<std::int64_t>();
  found.values =
      at::where(better.unsqueeze(0), (free.integers * steps).to(at::kFloat), found.values);
  found.errors = at::where(better, errors, found.errors);
  return found;
}

bool shares_one_lattice(const Format& format, std::int64_t width) {
  return format.block == width && is_uniform(format.grid);
}

void check_reduced(const Format& format, std::int64_t width) {
  require(shares_one_lattice(format, width), "rounding",
          "reduced: " + format.name +
              " gives every row a lattice of its own; choose integers with one scale a row (int4, "
              "int8, bint4:row), or see `latticelens reduce`");
}

Rounded round_reduced(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  check_reduced(layer.format, layer.weight.size(1));
  RoundingProblem fastest = layer; // to reduce
  fastest.order = "min-pivot";
  const ReductionOptions reduction{.delta = options.at("delta"),
                                   .depth = static_cast<std::int64_t>(options.at("depth"))};
  std::int64_t overflow_rows = 0;
  Rounded rounded =
      round_on_lattice(fastest, options.at("damp"), [&](const LatticeProblem& problem) {
        return nearest_plane_reduced(problem, reduction, overflow_rows);
      });
  rounded.overflow_rows = overflow_rows;
  return rounded;
}

} // namespace latticelens
