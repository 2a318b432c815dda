// Small closest-vector problems that the lattice tests share.
#pragma once
#include "lattice/babai.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>

namespace latticelens::testing {

/// Moments of correlated inputs, [n, n].
inline Tensor sample_moments(std::int64_t n, std::uint64_t seed) {
  at::manual_seed(seed);
  const Tensor x =
      at::matmul(at::randn({3 * n, n}, at::kDouble),
                 at::randn({n, n}, at::kDouble) / std::sqrt(n) + at::eye(n, at::kDouble));
  return at::matmul(x.t(), x);
}

inline ChooseSteps constant_steps(float step) {
  return [step](const Part& part, const float*, int, float* steps) {
    std::fill_n(steps, part.columns * part.rows, step);
  };
}

/// Powers of two, so that a residual's last bits do not show: the largest of each row and block
/// reaches the end of E2M1; candidates are smaller.
inline ChooseSteps block_maximum_steps() {
  return [](const Part& part, const float* residual, int candidate, float* steps) {
    for (std::int64_t row = 0; row < part.rows; ++row) {
      float most = 1e-6f;
      for (std::int64_t k = 0; k < part.columns; ++k)
        most = std::max(most, std::fabs(residual[k * part.rows + row]));
      for (std::int64_t k = 0; k < part.columns; ++k)
        steps[k * part.rows + row] = std::exp2(std::ceil(std::log2(most / 6)) - candidate);
    }
  };
}

inline const ElementGrid small_integers{.mantissa_bits = 2, .minimum_exponent = 2, .maximum = 7};

} // namespace latticelens::testing
