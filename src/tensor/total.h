// Sums of all values.
#pragma once
#include "tensor/tensor.h"

namespace latticelens {

/// Sum of a matrix [m, n] in fp64, row by row: a sum over everything at once would round
/// differently on one and two threads.
double total(const Tensor& matrix);

} // namespace latticelens
