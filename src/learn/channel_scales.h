// Learned equivalent transformation (Shao et al., "OmniQuant", arXiv 2308.13137, LET): channels of
// what linears read are divided by positive numbers, the columns that read them multiplied.
#pragma once
#include "model/model.h"

namespace latticelens {

/// No scale gets below it.
inline constexpr double least_channel_scale = 1e-2;

/// Logarithms of one block's scales s: those of what norms write [hidden], by norm, and of values
/// [key-value heads * head dimension]. Families of experts have none of them, as published for
/// Mixtral. Queries and keys have none either.
struct ChannelScales {
  std::map<std::string, Tensor> norms;
  Tensor values; // undefined without the site
};

/// The largest magnitude of every channel that a stage's linears read, by stage: [in].
using ChannelMaxima = std::map<std::string, Tensor>;
/// Puts what `place` (a tap's) shows into the maxima.
void see_channels(ChannelMaxima& maxima, std::string_view place, const Tensor& x);

/// SmoothQuant's formula at strength 0.5. `block`: folded, in fp32.
ChannelScales first_channel_scales(const Model& model, const Block& block,
                                   const ChannelMaxima& maxima);

/// The same function with s in the weights and the inputs of stages; differentiable by the scales,
/// norms stay as they are. Call it after the stages' input functions are set.
void install_channel_scales(Block& block, const ChannelScales& scales, const Model& model);

/// The same with s in weights, norms and biases.
void fold_channel_scales(Block& block, const ChannelScales& scales, const Model& model);

} // namespace latticelens
