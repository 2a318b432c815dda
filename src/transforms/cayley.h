// Descent on stacks of orthogonal matrices: every step is a rotation, found by solving exactly.
#pragma once
#include "tensor/tensor.h"

namespace latticelens {

/// Matrices [count, n, n] fp64 that stay orthogonal, and the direction they move in: skew matrices
/// of the same shape, in each matrix's own basis.
struct OrthogonalStack {
  Tensor matrices, velocity;
};

/// At rest. Error: matrices that are not orthogonal.
OrthogonalStack orthogonal_stack(const Tensor& matrices);

/// (I + S/2)⁻¹ (I - S/2) of skew S [count, n, n]: orthogonal.
Tensor cayley(const Tensor& skew);

struct CayleyStep {
  double rate = 1.5;
  double momentum = 0;
};

/// One step downhill. `gradient` [count, n, n] is that of a factor Δ on the right of each matrix,
/// at Δ = I. With W = (G - Gᵀ) / 2 + momentum * (W before) and t = min(rate, 1 / |W|₁), a matrix R
/// becomes R cayley(t W): Li, Fuxin and Todorovic, "Efficient Riemannian optimization on the
/// Stiefel manifold via the Cayley transform" (2020), in SpinQuant's form (quantization-peers.md
/// §4.1) with an exact solve in place of five iterations. Matrices that have drifted are made
/// orthogonal again. Returns the largest t |W|₁, at most 1: about the largest angle that anything
/// turned by. Error: a gradient that is not finite.
double descend(OrthogonalStack& stack, const Tensor& gradient, const CayleyStep& step);

/// The nearest orthogonal matrices to nearly orthogonal ones (Newton-Schulz).
Tensor nearest_orthogonal(const Tensor& matrices);

namespace reference {
/// The same for one matrix R [n, n] and its gradient G = dL/dR, as SpinQuant states it: the
/// implicit step Rᵀ + t W (Rᵀ + Y) / 2 = Y, iterated until it stands still. Returns Y transposed.
Tensor descended(const Tensor& matrix, const Tensor& gradient, double rate);
} // namespace reference

} // namespace latticelens
