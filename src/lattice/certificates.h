// How far a rounding can be from the best possible one: bounds on the error |L (w - v)|² of a layer
// for the steps that it has (research/lattice.md §5).
#pragma once
#include "kernels/element_grid.h"
#include "lattice/order.h"
#include "tensor/tensor.h"

namespace latticelens {

/// A rounded layer in the order of rounding.
struct RoundedLattice {
  Tensor l;      // [n, n] fp64 lower triangular
  Tensor target; // [n, rows] fp32: w
  Tensor values; // [n, rows] fp32: v
  Tensor steps;  // [n, rows] fp32
  ElementGrid grid;
};

/// Lower bounds [rows] fp64 that no choice of levels can beat; each holds with clipping.
struct LowerBounds {
  Tensor a_posteriori; // another choice first differs somewhere, and pays at least that much there
  Tensor one_dual;     // one coordinate alone, all others being real numbers
  Tensor diagonal;     // Lagrange multipliers on "not between the two levels around the weight"
  Tensor best;         // the largest of them, at most the error
};

/// What to expect of each row before rounding, [rows] fp64. Without clipping.
struct Forecast {
  Tensor worst;    // ¼ sum (widest gap * L_ii)²
  Tensor expected; // 1/12 sum (gap around the weight * L_ii)²
  Tensor sphere;   // mean over targets of any rounding at all: the best ball of the same density
};

/// Everything that can be said of one rounded layer.
class Certificates {
 public:
  explicit Certificates(const RoundedLattice& rounded);

  /// The error [rows] fp64.
  Tensor errors() const;
  /// h [n, n] fp64: Lᵀ L. steps: how often the multipliers are improved by a gradient step; 0: one
  /// Cholesky test a guess.
  LowerBounds lower_bounds(const Tensor& h, int steps) const;
  Forecast forecast() const;
  /// For each coordinate, the chance that what Babai's rule asks for lies outside the grid: its
  /// spread around the weight is sum_{j<i} (L⁻¹_ij L_jj gap_j)² / 12. [n, rows] fp64.
  Tensor overflow() const;

 private:
  Tensor a_posteriori() const;

  RoundedLattice rounded_;
  std::vector<float> levels_;
  Tensor low_, high_; // [n, rows] fp64: both ends of the gap around each weight, relative to it
  Tensor distances_;  // [n, rows] fp64: L (w - v)
};

/// How much worse Babai's rule can be than the best, as a ratio of squared errors, without clipping
/// and with equal gaps: max_i sum_{j >= i} L_jj² / L_ii².
double babai_factor(const Tensor& l);

/// Arithmetic over geometric mean of L_ii²: Babai's mean error is at best this times 1.423 above
/// the sphere bound.
double profile_ratio(const Tensor& l);

/// Error below which no code of `bits` per weight comes on average, for a row of Gaussian weights
/// of this variance: n variance det(H)^(1/n) 4^-bits (Shannon's lower bound, at or below reverse
/// water-filling).
double rate_bound(const Tensor& l, double variance, double bits);

} // namespace latticelens
