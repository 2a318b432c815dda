// Collecting second moments of a linear's inputs.
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

/// Sums x xᵀ over tokens: products in fp32 a batch at a time, sums of batches in fp64. The same
/// bytes at any thread count.
class MomentsCollector {
 public:
  explicit MomentsCollector(std::int64_t width);
  /// x [n, t, width] of one batch; original: what the original model has there, or undefined; drift
  /// [n, t, out]: by how much the stream that the outputs are added to is behind the original's, or
  /// undefined; defined or not alike for all batches. held_out: the batch is for judging.
  void add(const Tensor& x, const Tensor& original = {}, const Tensor& drift = {},
           bool held_out = false);
  /// Rows of all batches; none when no batch that is not held out has any.
  std::int64_t samples() const;
  /// Of all batches, with those held out beside. Errors, naming `where`: no token seen, NaN or
  /// infinity.
  Moments finish(const std::string& where) const;

 private:
  std::int64_t width_;
  Moments fitted_, held_out_; // grams: lower triangles
};

} // namespace latticelens
