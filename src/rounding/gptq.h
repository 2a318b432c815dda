// GPTQ in its lattice form: Babai's nearest plane on the Cholesky basis of the moments, no inverse
// (Chen et al., Theorem 4; Birnick, §3).
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

Rounded round_gptq(const RoundingProblem& problem, const std::map<std::string, double>& options);

namespace reference {
/// The same with the unpanelled loop.
Rounded round_gptq(const RoundingProblem& problem, const std::map<std::string, double>& options);
} // namespace reference

} // namespace latticelens
