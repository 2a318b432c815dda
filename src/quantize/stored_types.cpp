#include "quantize/stored_types.h"

#include "core/words.h"
#include "formats/gguf_exact_blocks.h"
#include "tensor/gguf_codes.h"
#include <ATen/ATen.h>

namespace latticelens {

std::string type_of_linears(const Model& model, bool (*counts)(const std::string& linear)) {
  std::set<std::string> types;
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    for (const Stage& stage : model.layout->stages)
      for (const std::string& name : stage.linears)
        if (!counts || counts(name))
          types.insert(model.tensors->stored_type(block_prefix(model, layer) + name + ".weight"));
  return joined({types.begin(), types.end()}, " and ");
}

float second_scale_of(const Model& model, const std::string& name) {
  const std::string stored = name + ".weight_global_scale";
  return model.tensors->has(stored) ? model.tensors->load(stored).item<float>() : 1;
}

std::string gguf_type_of_linears(const OpenedModel& opened) {
  if (opened.activations.down_input || has_input_transforms(opened.settings))
    return "";
  if (!opened.quantized) {
    const std::string type = type_of_linears(opened.model);
    const BlockType* found = find_block_type(std::string_view(type));
    return found && found->encode ? type : "";
  }
  const Format& weight = opened.settings.weight;
  return weight.coded ? weight.coded->name : gguf_type_of(weight);
}

} // namespace latticelens
