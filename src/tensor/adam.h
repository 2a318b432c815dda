// Adam on tensors.
#pragma once
#include "kernels/adam.h"
#include "tensor/tensor.h"

namespace latticelens {

/// Adam's, like what is learned.
struct AdamMoments {
  Tensor first, second;
};
AdamMoments no_moments_yet(const Tensor& parameters);

/// adam_update of contiguous fp32 parameters and moments, in place, on all threads.
void adam_update(const AdamStep& step, const Tensor& gradient, Tensor& parameters,
                 AdamMoments& moments);

} // namespace latticelens
