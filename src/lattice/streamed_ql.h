// The lattice basis from the inputs themselves, batch by batch: QL by sequential TSQR. Nothing is
// squared, so half as many digits are lost as by way of the moments (Birnick §2.1).
#pragma once
#include "lattice/order.h"
#include "tensor/tensor.h"
#include <string>

namespace latticelens {

/// Memory: two [n, n] fp64 matrices and one batch. The same bytes at any thread count.
class StreamedQl {
 public:
  explicit StreamedQl(std::int64_t width);
  /// x [tokens, n], any floating dtype.
  void add(const Tensor& x);
  /// sum of |x|² of each channel over the tokens so far, [n] fp64: the diagonal of the moments.
  const Tensor& squares() const { return squares_; }
  /// L [n, n] fp64 of all inputs with sqrt(lambda) I appended, in the order given (empty: natural):
  /// (sum x xᵀ + lambda I)[order, order] = Lᵀ L. Error, naming `where`: not finite, or singular.
  Tensor finish(double lambda, const Order& order, const std::string& where) const;

 private:
  std::int64_t width_;
  Tensor r_; // [up to n, n]: R of a QR of all inputs so far
  Tensor squares_;
};

} // namespace latticelens
