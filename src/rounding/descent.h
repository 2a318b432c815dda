// A search, then coordinate descent until no move helps.
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

Rounded round_descent(const RoundingProblem& problem, const std::map<std::string, double>& options);

} // namespace latticelens
