// Scale-adjusted sparse outliers (Chen et al., SSQR): what overflows after propagation is kept
// exactly.
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

/// One factor multiplies all scales of a row, found by bisection so that the share of weights
/// outside the grid, which are kept in fp32, is the density asked for. values hold the outliers
/// too; scales are multiplied by the factors; bits count 32 a factor and 32 + 16 an outlier with
/// its column.
Rounded round_ssqr(const RoundingProblem& problem, const std::map<std::string, double>& options);

} // namespace latticelens
