// The point with the smallest sum of distances to given ones: where b_dec starts (paper 001).
// Weiszfeld's iteration with the step of Vardi and Zhang where it meets one of the points
// (https://doi.org/10.1073/pnas.97.4.1423).
#pragma once
#include "tensor/tensor.h"
#include <cstdint>

namespace latticelens {

struct GeometricMedian {
  Tensor point;                // [d] fp64
  double gradient = 0;         // see geometric_median
  std::int64_t iterations = 0; // steps taken
  bool converged = false;      // gradient is below the tolerance
};

struct MedianOptions {
  double tolerance = 1e-12; // of the gradient, which is at most 1
  std::int64_t most_iterations = 1000;
};

/// points [m, d] fp32. gradient: ‖Σ (y - x_i) / ‖y - x_i‖‖ / m over the points that y is not, less
/// the share of those that it is, never below zero: 0 exactly at a median. Iterations in fp64 from
/// the mean; the same bytes at any thread count, and the order of the points matters in the last
/// bits only. Errors: no points, a value that is not finite.
GeometricMedian geometric_median(const Tensor& points, const MedianOptions& options = {});

} // namespace latticelens
