// Babai's rule on an LLL-reduced basis (Birnick, WITHREDUCTION), as a rounding.
#pragma once
#include "lattice/reduction.h"
#include "rounding/lattice_problem.h"

namespace latticelens {

/// Whether all coordinates of a row share one step on a grid of integers: then all rows share one
/// lattice, and a reduction of it serves them all.
bool shares_one_lattice(const Format& format, std::int64_t width);
/// Error when they do not.
void check_reduced(const Format& format, std::int64_t width);

/// Babai's rule on the basis as it is, and for the rows whose result on the reduced basis lies
/// inside the grid and has the smaller error, that; overflow_rows: those that left the grid.
BabaiResult nearest_plane_reduced(const LatticeProblem& problem, const ReductionOptions& options,
                                  std::int64_t& overflow_rows);

/// The above in min-pivot order, from which reducing is fastest. Nothing is clipped.
Rounded round_reduced(const RoundingProblem& layer, const std::map<std::string, double>& options);

} // namespace latticelens
