#include "learn/block_parameters.h"

#include "learn/clipped_weight.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

void round_weights(Block& block, const BlockParameters& parameters, const Format& format) {
  for (const auto& [name, clipping] : parameters.clipping) {
    Tensor& weight = block.linears.at(name).weight;
    weight = clipped_weight(weight, clipping, format);
  }
}

} // namespace

std::vector<Tensor*> scales_in(BlockParameters& parameters) {
  std::vector<Tensor*> tensors;
  for (auto& [name, scales] : parameters.scales.norms)
    tensors.push_back(&scales);
  if (parameters.scales.values.defined())
    tensors.push_back(&parameters.scales.values);
  return tensors;
}

std::vector<Tensor*> clipping_in(BlockParameters& parameters) {
  std::vector<Tensor*> tensors;
  for (auto& [name, clipping] : parameters.clipping)
    tensors.push_back(&clipping);
  return tensors;
}

BlockParameters first_parameters(const QuantizeRequest& request, const Block& block,
                                 const ChannelMaxima& maxima) {
  BlockParameters parameters{.scales = first_channel_scales(request.model, block, maxima)};
  for (const auto& [name, linear] : block.linears)
    if (in_a_stage(*request.model.layout, name))
      parameters.clipping[name] = no_clipping_yet(linear.weight, request.method.weight);
  return parameters;
}

Block quantized_block(const QuantizeRequest& request, const Block& folded,
                      const BlockParameters& parameters) {
  Block block = folded;
  install_channel_scales(block, parameters.scales, request.model);
  round_weights(block, parameters, request.method.weight);
  return block;
}

Block finished_block(const QuantizeRequest& request, const Block& folded,
                     const BlockParameters& parameters) {
  Block block = folded;
  fold_channel_scales(block, parameters.scales, request.model);
  round_weights(block, parameters, request.method.weight);
  return block;
}

} // namespace latticelens
