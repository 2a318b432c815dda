// LLL reduction of a layer's basis, with deep insertions (Birnick, WITHREDUCTION; Lenstra, Lenstra
// and Lovász; Schnorr and Euchner). For one scale a row: then all rows share the lattice.
#pragma once
#include "tensor/tensor.h"
#include <functional>
#include <optional>
#include <string>

namespace latticelens {

struct ReductionOptions {
  double delta = 0.99;    // of Lovász's condition
  std::int64_t depth = 1; // how far back a vector may be inserted; 1: swaps of neighbours (LLL)
  std::function<void(std::int64_t insertions)> progress; // after every pass, those of the pass
};

struct Reduction {
  Tensor transform;            // [n, n] int64, determinant 1 or -1: T
  Tensor l;                    // [n, n] fp64 lower triangular, positive diagonal: L T = Q l
  std::int64_t insertions = 0; // swaps and deeper ones
  std::int64_t passes = 0;     // over the segments of the basis
};

inline constexpr std::int64_t deepest_insertion = 32;

/// Reduces the lattice of the columns of l [n, n] fp64, lower triangular with positive diagonal
/// (the last column is the first vector). Fastest from a min-pivot order. Errors, naming `where`:
/// depth or delta out of range, entries of T beyond 2^53 (they are exact up to there), no end after
/// many passes.
Reduction reduce_basis(const Tensor& l, const ReductionOptions& options, const std::string& where);

/// Nothing when the columns of l are reduced: sizes at most `eta`, Lovász's condition for delta at
/// every depth up to `depth`. Else the first condition that fails.
std::optional<std::string> why_not_reduced(const Tensor& l, const ReductionOptions& options,
                                           double eta = 0.5 + 1e-9);

} // namespace latticelens
