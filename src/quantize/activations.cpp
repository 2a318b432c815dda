#include "quantize/activations.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

InputFunction input_function(std::shared_ptr<const Transform> rotation,
                             const ActivationSpec& spec) {
  return [rotation, format = spec.format, counts = spec.counts](const Tensor& x) {
    const Tensor rotated = rotation ? rotation->apply(x) : x;
    if (!format)
      return rotated;
    counts->values += rotated.numel();
    return format->quantize(rotated, counts->snap);
  };
}

} // namespace

void install_activations(Block& block, const Layout& layout, const ActivationSpec& spec) {
  block.inputs.clear();
  const std::vector<OnlineInput>& online = layout.rotation.down;
  for (const Stage& stage : layout.stages) {
    const bool rotated = spec.down_input &&
                         std::any_of(online.begin(), online.end(),
                                     [&](const auto& input) { return input.stage == stage.name; });
    if (rotated || spec.format)
      block.inputs[stage.name] = input_function(rotated ? spec.down_input : nullptr, spec);
  }
}

void install_input_transform(Block& block, const std::string& stage,
                             std::shared_ptr<const Transform> transform,
                             const ActivationSpec& spec) {
  block.inputs[stage] = input_function(std::move(transform), spec);
}

} // namespace latticelens
