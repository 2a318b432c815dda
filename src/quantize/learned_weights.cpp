#include "quantize/learned_weights.h"

#include "core/error.h"
#include "core/files.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>

namespace latticelens {

std::filesystem::path LearnedWeights::path(std::int64_t layer) const {
  return folder_ / ("layer-" + std::to_string(layer) + ".safetensors");
}

bool LearnedWeights::has(std::int64_t layer) const {
  return std::filesystem::exists(path(layer));
}

void LearnedWeights::write(const Block& block, const Layout& layout) const {
  make_directory(folder_);
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const auto& [name, linear] : block.linears)
    if (in_a_stage(layout, name))
      tensors.emplace_back(name, linear.weight);
  write_safetensors(path(block.layer), tensors);
}

void LearnedWeights::install(Block& block, const Layout& layout) const {
  const std::string next = "; learn anew in a new folder";
  require(has(block.layer), "learn",
          path(block.layer).string() + ": absent; it is needed to go through this run" + next);
  const SafetensorsFile file(path(block.layer));
  for (auto& [name, linear] : block.linears) {
    if (!in_a_stage(layout, name))
      continue;
    require(file.has(name), "learn", file.path().string() + ": has no \"" + name + "\"" + next);
    const Tensor weight = file.load(name);
    require(weight.sizes() == linear.weight.sizes() && weight.scalar_type() == at::kFloat, "learn",
            file.path().string() + ": \"" + name + "\" does not fit the model" + next);
    linear.weight = weight.clone();
  }
}

} // namespace latticelens
