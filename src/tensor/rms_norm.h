// The normalisation of most decoders, in two passes over a row.
#pragma once
#include "tensor/tensor.h"

namespace latticelens {

/// x / sqrt(mean(x²) + epsilon) * gain over the last dimension: x [..., d], gain [d]. fp32, the
/// same bytes at any thread count; differentiable.
Tensor rms_norm(const Tensor& x, const Tensor& gain, double epsilon);

namespace reference {
Tensor rms_norm(const Tensor& x, const Tensor& gain, double epsilon);
} // namespace reference

} // namespace latticelens
