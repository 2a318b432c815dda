// Rows of a weight matrix in strips: rows are independent, so threads share nothing but the factor
// and each takes a strip of rows through all columns. The width is fixed, so the bytes do not
// depend on the threads.
#pragma once
#include "kernels/product.h"
#include "lattice/babai.h"
#include <vector>

namespace latticelens {

/// Some rows of a problem: each array [n, strip_width]; rows past the last one are zero.
struct RowStrip {
  std::int64_t first = 0, count = 0;
  std::vector<float> weights, targets, values, errors, steps;
  std::vector<float> costs;           // [strip_width] of the current panel
  std::vector<double> squared_errors; // [strip_width]
  std::int64_t clipped = 0;
};

/// Columns [first, first + count) of x [n, rows] into a strip.
void fill_strip(const Tensor& x, std::int64_t first, std::int64_t count, std::vector<float>& strip);

/// weights [n, rows] fp32. `solve` fills values, steps, squared_errors and clipped of each strip.
BabaiResult for_row_strips(const Tensor& weights, const std::function<void(RowStrip&)>& solve);

} // namespace latticelens
