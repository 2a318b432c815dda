// Layers that the rounding tests share.
#pragma once
#include "rounding/rounding.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens::testing {

/// Moments of correlated inputs, twice as many tokens as channels.
inline Moments correlated_moments(std::int64_t n) {
  at::manual_seed(n);
  const Tensor x =
      at::matmul(at::randn({2 * n, n}, at::kDouble),
                 at::randn({n, n}, at::kDouble) / std::sqrt(n) + at::eye(n, at::kDouble));
  return {at::matmul(x.t(), x), 2 * n};
}

/// A format that the rounding can serve.
inline Format format_for(const std::string& rounding) {
  return parse_format(rounding == "reduced" ? "int4" : "mxfp4/even");
}

} // namespace latticelens::testing
