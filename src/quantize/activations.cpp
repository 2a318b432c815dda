#include "quantize/activations.h"

#include <ATen/ATen.h>

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

void install_activations(Block& block, const Family& family, const ActivationSpec& spec) {
  block.inputs.clear();
  for (const Stage& stage : family.stages) {
    const bool rotated =
        spec.down_input && std::string_view(stage.name) == family.rotation.down_stage;
    if (rotated || spec.format)
      block.inputs[stage.name] = input_function(rotated ? spec.down_input : nullptr, spec);
  }
}

} // namespace latticelens
