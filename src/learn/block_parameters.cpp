#include "learn/block_parameters.h"

#include "learn/clipped_weight.h"
#include "tensor/gradient.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

void round_weights(Block& block, const BlockParameters& parameters, const Format& format) {
  for (const auto& [name, clipping] : parameters.clipping) {
    Tensor& weight = block.linears.at(name).weight;
    weight = clipped_weight(weight, clipping, format);
  }
}

/// A stage's input, quantized; its scales go with the blocks' maxima where that is known.
Tensor rounded_input(const Tensor& x, const Format& format) {
  SnapCounts counts;
  if (!wants_gradient({x}))
    return format.quantize(x, counts);
  if (format.asymmetric_activations || format.rule.tensor_maximum > 0 ||
      !format.rule.multipliers.empty())
    return straight_through(format.quantize(x.detach(), counts), x);
  return rounded_with_scales(x.flatten(0, -2), format).view(x.sizes());
}

void install_rounded_inputs(Block& block, const Layout& layout, const Format& format) {
  for (const Stage& stage : layout.stages) {
    InputFunction& function = block.inputs[stage.name];
    function = [before = function, format](const Tensor& x) {
      return rounded_input(before ? before(x) : x, format);
    };
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
  if (request.method.activation)
    install_rounded_inputs(block, *request.model.layout, *request.method.activation);
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
