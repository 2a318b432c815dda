#include "transforms/cayley.h"

#include "core/error.h"
#include "tensor/single_thread.h"
#include "transforms/orthogonal.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

// A step adds about 1e-15; what lies above this is drift.
constexpr double drift = 1e-12;

Tensor identity_like(const Tensor& matrices) {
  return at::eye(matrices.size(-1), matrices.options());
}

/// Each matrix's largest sum over a column of magnitudes, [count, 1, 1].
Tensor column_norm(const Tensor& matrices) {
  return std::get<0>(matrices.abs().sum(1).max(1)).view({-1, 1, 1});
}

} // namespace

OrthogonalStack orthogonal_stack(const Tensor& matrices) {
  const Tensor copy = matrices.to(at::kDouble).contiguous().clone();
  require(orthogonality_error(copy) <= 1e-6, "transform",
          "a matrix to start from is not orthogonal");
  return {copy, at::zeros_like(copy)};
}

Tensor cayley(const Tensor& skew) {
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  const Tensor identity = identity_like(skew);
  return at::linalg_solve(identity + skew / 2, identity - skew / 2);
}

double descend(OrthogonalStack& stack, const Tensor& gradient, const CayleyStep& step) {
  const Tensor wide = gradient.to(at::kDouble);
  require(at::isfinite(wide).all().item<bool>(), "transform", "a gradient is not finite");
  stack.velocity = (wide - wide.transpose(1, 2)) / 2 + step.momentum * stack.velocity;
  const Tensor size = column_norm(stack.velocity),
               length = (size + 1e-8).reciprocal().clamp_max(step.rate);
  const SingleThreadMkl one_thread;
  stack.matrices = at::bmm(stack.matrices, cayley(length * stack.velocity));
  if (orthogonality_error(stack.matrices) > drift)
    stack.matrices = nearest_orthogonal(stack.matrices);
  return (length * size).max().item<double>();
}

Tensor nearest_orthogonal(const Tensor& matrices) {
  const SingleThreadMkl one_thread;
  constexpr int most_rounds = 8; // the error squares in each
  Tensor nearest = matrices;
  for (int round = 0; round < most_rounds && orthogonality_error(nearest) > drift / 10; ++round)
    nearest =
        at::bmm(nearest, 3 * identity_like(nearest) - at::bmm(nearest.transpose(1, 2), nearest)) /
        2;
  require(orthogonality_error(nearest) <= drift, "transform",
          "a rotation is no longer orthogonal and cannot be made so; lower rate=");
  return nearest;
}

namespace reference {

Tensor descended(const Tensor& matrix, const Tensor& gradient, double rate) {
  const Tensor x = matrix.t(), v = -gradient.t();
  const Tensor mx = at::matmul(v, matrix);
  const Tensor what = mx - at::matmul(matrix.t(), at::matmul(matrix, mx)) / 2;
  const Tensor w = what - what.t();
  const double norm = w.abs().sum(0).max().item<double>();
  const double t = std::min(rate, 1 / (norm + 1e-8));
  Tensor y = x;
  for (int i = 0; i < 100; ++i)
    y = x + t * at::matmul(w, (x + y) / 2);
  return y.t();
}

} // namespace reference
} // namespace latticelens
