// Hadamard matrices, constructed: Sylvester, Paley I and II over prime fields, and Kronecker
// products of these.
#pragma once
#include "tensor/tensor.h"
#include <cstdint>
#include <vector>

namespace latticelens {

/// Orders of the Kronecker factors of a Hadamard matrix of order n: one Paley matrix (if n is no
/// power of two), then Sylvester matrices of at most 64. Empty when no construction is known here.
std::vector<std::int64_t> hadamard_factors(std::int64_t n);

/// The matrix of ±1 [n, n] in fp64, H Hᵀ = n I. Error: no construction of that order.
Tensor hadamard_matrix(std::int64_t n);

} // namespace latticelens
