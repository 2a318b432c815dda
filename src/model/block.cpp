#include "model/block.h"

#include "tensor/linear.h"

namespace latticelens {

Tensor Linear::operator()(const Tensor& x) const {
  return product ? product(x) : linear_of(x, weight, bias);
}

Tensor stage_input(const Stage& stage, const Block& block, const State& state,
                   const Config& config) {
  const Tensor raw = stage.input(block, state, config);
  const auto function = block.inputs.find(stage.name);
  return function == block.inputs.end() ? raw : function->second(raw);
}

} // namespace latticelens
