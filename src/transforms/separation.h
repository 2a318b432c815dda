// A rotation of the residual stream that keeps apart what its readers' inputs are strong in and
// what their weights are strong in.
#pragma once
#include "tensor/tensor.h"
#include <cstdint>
#include <functional>
#include <vector>

namespace latticelens {

/// One reader of the stream, norm gains in its weights, fp32 [n, n] each: the mean over tokens of
/// x xᵀ, and the sum over the rows of its weights of w wᵀ times how much its outputs count.
struct StreamReader {
  Tensor inputs, weights;
};

/// What the readers' outputs lose when the stream is rotated by R [n, n], then within blocks of
/// `size` by a Hadamard matrix, and quantized block by block: noise in proportion to a block's
/// energy meets the block's weights. Σ_readers Σ_blocks tr(R_bᵀ Σx R_b) tr(R_bᵀ Σw R_b) / size,
/// with the columns R_b of R that make block b.
struct Separation {
  double loss;
  Tensor gradient; // [n, n] fp32, by R
};
Separation separation_at(const std::vector<StreamReader>& readers, const Tensor& rotation,
                         std::int64_t size);

struct SeparationSteps {
  std::int64_t count = 100;
  /// Of the first step: by how much a pair of coordinates turns, times the root of n; then falling
  /// to zero along a cosine.
  double rate = 0.024;
  std::function<void(double loss)> each = {};
};

/// An orthogonal matrix [n, n] fp64 with a small loss, by Adam on skew matrices and Cayley steps
/// from the identity. kept [n] bool: coordinates that stay as they are. Error: a loss that is not
/// finite.
Tensor separate(const std::vector<StreamReader>& readers, const Tensor& kept, std::int64_t size,
                const SeparationSteps& steps);

namespace reference {
/// The loss, a reader and a block at a time in fp64.
double separation_loss(const std::vector<StreamReader>& readers, const Tensor& rotation,
                       std::int64_t size);
} // namespace reference

} // namespace latticelens
