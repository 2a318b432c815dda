// Experts that lie in one tensor each for gate and up projection together and for the last linear,
// as gpt-oss has them (quantization-peers.md §6.4): in values [experts, in, out], or in MXFP4,
// NAME_blocks [experts, out, in/32, 16] and NAME_scales [experts, out, in/32] of bytes. Rows of
// gate and up alternate.
#pragma once
#include "model/family.h"

namespace latticelens::fused_experts {

inline constexpr const char* experts = "mlp.experts";
inline constexpr const char *gate = "gate_proj", *up = "up_proj", *down = "down_proj";

/// The experts' linears by themselves: EXPERT.gate_proj.weight and .bias ..., in MXFP4
/// .weight_packed [out, in/2] and .weight_scale [out, in/32]. Names that are stored so pass
/// through.
std::shared_ptr<const TensorSource> open(std::shared_ptr<const TensorSource> stored,
                                         const Config& config);

/// The fused tensors of values.
std::vector<JoinedTensor> joined(const Config& config);

/// Rows of gate and up, alternating: [experts, rows, ...] each -> [experts, 2 rows, ...].
Tensor alternating(const Tensor& gate, const Tensor& up);

} // namespace latticelens::fused_experts
