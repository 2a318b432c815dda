// The best of several randomised passes on the layer's lattice.
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

Rounded round_klein(const RoundingProblem& problem, const std::map<std::string, double>& options);

} // namespace latticelens
