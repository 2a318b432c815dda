// Transforms of a linear's input that calibration chooses: a matrix for each block of channels.
#pragma once
#include "tensor/tensor.h"

namespace latticelens {

/// What is known of the blocks of an input: sums over tokens of x xᵀ and over the rows of all
/// weights that read it of w wᵀ, both [blocks, size, size] fp64.
struct BlockMoments {
  Tensor inputs, weights;
};

/// The normalised Hadamard matrix for every block: x_b becomes x_b M.
Tensor fit_hadamard(const BlockMoments& moments);

/// With Σx = A Aᵀ, Σw = B Bᵀ and Bᵀ A = U S Vᵀ: M = (H S^(-1/2) Uᵀ Bᵀ)ᵀ. Inputs and weights get the
/// same second moments H S Hᵀ: the loss is shared between them, and no channel of a block stands
/// out (WUSH; quantization-peers.md §8.2). A ridge of one percent keeps moments of few tokens
/// invertible. [blocks, size, size] fp32.
Tensor fit_aware(const BlockMoments& moments);

} // namespace latticelens
