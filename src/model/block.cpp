#include "model/block.h"

#include "tensor/linear.h"
#include "tensor/rms_norm.h"
#include <ATen/ATen.h>

namespace latticelens {

Tensor Linear::operator()(const Tensor& x) const {
  return product ? product(x) : linear_of(x, weight, bias);
}

Tensor Norm::operator()(const Tensor& x, double epsilon) const {
  if (centred)
    return at::layer_norm(x, {x.size(-1)}, gain, bias, epsilon);
  const Tensor scaled = rms_norm(x, gain, epsilon);
  return bias.defined() ? scaled + bias : scaled;
}

Tensor prepared(const Block& block, const std::string& stage, const Tensor& raw) {
  const auto function = block.inputs.find(stage);
  return function == block.inputs.end() || raw.numel() == 0 ? raw : function->second(raw);
}

Tensor stage_input(const Stage& stage, const Block& block, const State& state,
                   const Config& config) {
  return prepared(block, stage.name, stage.input(block, state, config));
}

} // namespace latticelens
