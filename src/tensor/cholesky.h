// Cholesky factorisation whose bytes do not depend on the number of threads.
#pragma once
#include "tensor/tensor.h"

namespace latticelens {

/// a [n, n] fp64, contiguous; its lower triangle becomes C with C Cᵀ = a, what lies above the
/// diagonal is left undefined. False when a is not positive definite: then a is spoilt.
bool cholesky_in_place(Tensor& a);

} // namespace latticelens
