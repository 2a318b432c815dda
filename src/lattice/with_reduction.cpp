#include "lattice/with_reduction.h"

#include "lattice/babai.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

// Integers as far as fp32 holds them; a target near the end would be counted as clipped.
const ElementGrid all_integers{.mantissa_bits = 22, .minimum_exponent = 22, .maximum = 4194304};

Tensor nearest_plane(const Tensor& l, const Tensor& u) {
  const ChooseSteps ones = [](const Part& part, const float*, int, float* steps) {
    std::fill_n(steps, part.columns * part.rows, 1.0f);
  };
  // Babai's choice moves with integers: only the fractions need fp32's precision.
  const Tensor whole = at::round(u);
  const BabaiResult found = babai((u - whole).to(at::kFloat), l, all_integers, {}, ones);
  return whole + found.values.to(at::kDouble);
}

Tensor errors_of(const Tensor& l, const Tensor& difference) {
  return at::matmul(l, difference).square().sum(0);
}

} // namespace

IntegerRounding round_integers(const Tensor& l, const Tensor& u) {
  const Tensor v = nearest_plane(l, u);
  return {v, errors_of(l, u - v)};
}

IntegerRounding round_with_reduction(const Tensor& l, const Reduction& reduction, const Tensor& u) {
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  const Tensor transform = reduction.transform.to(at::kDouble);
  const Tensor v =
      at::matmul(transform, nearest_plane(reduction.l, at::linalg_solve(transform, u)));
  return {v, errors_of(l, u - v)};
}

} // namespace latticelens
