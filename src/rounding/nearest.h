// Round to nearest: no knowledge of the inputs.
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

Rounded round_nearest(const RoundingProblem& problem, const std::map<std::string, double>& options);

} // namespace latticelens
