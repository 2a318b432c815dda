// Multiplying channels by numbers that are learned.
#pragma once
#include "tensor/tensor.h"

namespace latticelens {

/// x [..., n] times factors [n] along the last dimension. Differentiable by both; the same bytes at
/// any thread count.
Tensor times_columns(const Tensor& x, const Tensor& factors);
/// weight [out, in] times factors [out] along the first.
Tensor times_rows(const Tensor& weight, const Tensor& factors);

} // namespace latticelens
