// The best of several searches, row by row: no row is worse than in any of them.
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

Rounded round_portfolio(const RoundingProblem& problem,
                        const std::map<std::string, double>& options);

} // namespace latticelens
