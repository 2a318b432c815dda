#include "rounding/nearest.h"

#include <ATen/ATen.h>

namespace latticelens {

Rounded round_nearest(const RoundingProblem& problem, const std::map<std::string, double>&) {
  Rounded rounded;
  SnapCounts counts;
  rounded.scales = problem.format.fit(problem.weight);
  rounded.values = problem.format.snap(problem.weight, rounded.scales, counts);
  if (problem.format.frame)
    rounded.scales = problem.format.frame->scales;
  rounded.clipped = counts.clipped;
  return rounded;
}

} // namespace latticelens
