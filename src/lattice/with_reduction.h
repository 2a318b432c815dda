// Rounding on a reduced basis (Birnick, WITHREDUCTION): v = T v_red, integers without a box.
#pragma once
#include "lattice/reduction.h"

namespace latticelens {

struct IntegerRounding {
  Tensor integers; // [n, rows] fp64, whole numbers
  Tensor errors;   // [rows] fp64: |L (u - v)|²
};

/// Babai's rule on the basis as it is. u [n, rows] fp64: weights in units of each row's one step.
IntegerRounding round_integers(const Tensor& l, const Tensor& u);

/// Babai's rule on the reduced basis, carried back by T. What leaves a box of levels is for the
/// caller to count: clipping it afterwards undoes what was gained and more (research/lattice.md
/// §0.2).
IntegerRounding round_with_reduction(const Tensor& l, const Reduction& reduction, const Tensor& u);

} // namespace latticelens
