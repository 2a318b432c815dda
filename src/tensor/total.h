// Sums of all values.
#pragma once
#include "tensor/tensor.h"

namespace latticelens {

/// Sum of a matrix [m, n] in fp64, row by row: a sum over everything at once would round
/// differently on one and two threads.
double total(const Tensor& matrix);

/// Sums in fp64 of (x - y)² and x², contiguous fp32 of one size, on the calling thread.
struct SquareTotals {
  double difference = 0, energy = 0;
};
SquareTotals square_totals(const Tensor& x, const Tensor& y);

} // namespace latticelens
