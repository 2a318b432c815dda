// NVFP4 under a scale for the whole tensor, which GGUF keeps in a tensor of its own: NAME.scale
// beside NAME.weight, the reciprocal of the second scale of other layouts.
#pragma once
#include "tensor/gguf.h"
#include "tensor/tensor.h"

namespace latticelens {

/// values [out, in] as decode_blocks gives NVFP4, and their blocks -> element * (block scale /
/// second_scale), rounded as compressed-tensors rounds: the scale first.
Tensor under_second_scale(const Tensor& values, std::span<const std::byte> blocks,
                          float second_scale);

/// The name of the scale's tensor; empty: `name` is no weight.
std::string scale_name(const std::string& name);

} // namespace latticelens
