// The papers' own forms of GPTQ and Babai as roundings: slow, and the same codes as gptq.
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

/// One row of the table of roundings for each form.
std::vector<RoundingRow> paper_roundings(const RoundingOption& damping);

} // namespace latticelens
