// Blocks of values in numbers: their largest magnitudes, and what rounding changed in each.
#pragma once
#include "tensor/tensor.h"
#include <cstdint>
#include <vector>

namespace latticelens {

/// Of consecutive blocks of a matrix, row by row.
struct BlockNumbers {
  std::vector<float> maximum; // largest magnitude
  std::vector<double> error;  // sum of squared differences
};

/// values, rounded [rows, width] in fp32; `block` divides the width. The same bytes at any thread
/// count, as for everything here.
BlockNumbers block_numbers(const Tensor& values, const Tensor& rounded, std::int64_t block);

/// Sum of squared differences of two matrices [rows, width] of fp32, in fp64 row by row.
double squared_error(const Tensor& values, const Tensor& rounded);

/// Sum of squares of x [rows, width] of fp32.
double energy_of(const Tensor& x);

/// The magnitude that `share` of the values of x (at least one value) reach or exceed.
float outlier_threshold(const Tensor& x, double share);

} // namespace latticelens
