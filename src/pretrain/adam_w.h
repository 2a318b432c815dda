// Adam with decoupled weight decay, on gradients of bounded size.
#pragma once
#include "pretrain/network.h"
#include "tensor/adam.h"

namespace latticelens {

/// The root of the sum of all squares, in fp64 and in a fixed order.
double norm_of(const std::vector<Tensor>& gradients);

/// Scales gradients whose norm is above 1 down to it; returns the norm that they had.
double clip(std::vector<Tensor>& gradients);

/// Loshchilov and Hutter, "Decoupled weight decay" (arXiv 1711.05101), algorithm 2, with decay 0.1
/// on matrices alone. `step`: from 1. The same bytes at any thread count.
void adam_w_step(double rate, std::int64_t step, const std::vector<Tensor>& gradients,
                 const std::vector<Parameter>& parameters, std::vector<AdamMoments>& moments);

} // namespace latticelens
