#include "model/block.h"

#include <ATen/ATen.h>

namespace latticelens {

Tensor Linear::operator()(const Tensor& x) const {
  return at::linear(x, weight, bias.defined() ? bias : Tensor());
}

Tensor stage_input(const Stage& stage, const Block& block, const State& state,
                   const Config& config) {
  const Tensor raw = stage.input(block, state, config);
  const auto function = block.inputs.find(stage.name);
  return function == block.inputs.end() ? raw : function->second(raw);
}

} // namespace latticelens
