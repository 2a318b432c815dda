// What is learned of one block, and the block that it makes.
#pragma once
#include "formats/format.h"
#include "learn/channel_scales.h"
#include "quantize/request.h"

namespace latticelens {

struct BlockParameters {
  ChannelScales scales;
  std::map<std::string, Tensor> clipping; // of the linears that stages read, as clipped_weight's
};

/// The parameters' own tensors, always in the same order.
std::vector<Tensor*> scales_in(BlockParameters& parameters);
std::vector<Tensor*> clipping_in(BlockParameters& parameters);

/// Where learning starts. `block`: folded; maxima: of the original's inputs.
BlockParameters first_parameters(const QuantizeRequest& request, const Block& block,
                                 const ChannelMaxima& maxima);

/// A folded block without activations' quantizers, with rounded weights and inputs; differentiable
/// by the parameters. The channels' scales are in weights and inputs.
Block quantized_block(const QuantizeRequest& request, const Block& folded,
                      const BlockParameters& parameters);

/// The same with the scales in norms and biases: what is left for the rounding.
Block finished_block(const QuantizeRequest& request, const Block& folded,
                     const BlockParameters& parameters);

} // namespace latticelens
