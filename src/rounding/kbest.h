// K-best search on the layer's lattice.
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

Rounded round_kbest(const RoundingProblem& problem, const std::map<std::string, double>& options);

} // namespace latticelens
