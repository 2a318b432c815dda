// Huffman-coded integers (Chen et al., HPTQ): one scale for the whole matrix and no box.
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

/// Babai's integers in units of one scale, found by bisection so that their Huffman code, table
/// included, takes the average bits asked for. scales are all that scale.
Rounded round_hptq(const RoundingProblem& problem, const std::map<std::string, double>& options);

/// The same with each weight rounded to its nearest integer: what the lattice is worth here.
Rounded round_hrtn(const RoundingProblem& problem, const std::map<std::string, double>& options);

} // namespace latticelens
