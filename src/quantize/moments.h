// Collecting second moments of a linear's inputs.
#pragma once
#include "rounding/rounding.h"

namespace latticelens {

/// Sums x xᵀ over tokens: products in fp32 a batch at a time, sums of batches in fp64. The same
/// bytes at any thread count.
class MomentsCollector {
 public:
  explicit MomentsCollector(std::int64_t width);
  void add(const Tensor& x /*[n, t, width]*/);
  /// Errors, naming `where`: no token seen, NaN or infinity.
  Moments finish(const std::string& where) const;

 private:
  Tensor gram_; // [width, width] fp64, on and below the diagonal
  std::int64_t samples_ = 0;
};

} // namespace latticelens
