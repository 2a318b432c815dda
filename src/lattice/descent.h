// Coordinate descent in the box: what a search has left is moved downhill until no move helps.
#pragma once
#include "lattice/babai.h"

namespace latticelens {

struct DescentOptions {
  int sweeps = 20; // over all coordinates, at most
  int pairs = 0;   // passes over all pairs of neighbouring levels, after the sweeps
};

struct DescentResult {
  Tensor values;          // [n, rows] fp32
  Tensor errors;          // [rows] fp64: eᵀ H e
  std::int64_t moves = 0; // of single coordinates
  std::int64_t pair_moves = 0;
  bool converged = true; // no single move is left
};

/// weights, values, steps [n, rows] fp32 with the rows of h [n, n] fp64 (damped moments) in the
/// same order; values representable with the steps. The error of no row rises.
DescentResult descend(const Tensor& weights, const Tensor& values, const Tensor& steps,
                      const Tensor& h, const ElementGrid& grid, const DescentOptions& options);

} // namespace latticelens
