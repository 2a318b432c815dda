#include "quantize/learned_weights.h"

#include "core/error.h"
#include "core/files.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>
#include <functional>

namespace latticelens {
namespace {

const std::string next = "; learn anew in a new folder";

/// Called with what a tensor is called in the file, and the tensor in the block.
using VisitTensor = std::function<void(const std::string& name, Tensor& tensor)>;

// No linear's or norm's name has a slash.
void for_each_weight(Block& block, const Layout& layout, const VisitTensor& visit) {
  for (auto& [name, linear] : block.linears)
    if (in_a_stage(layout, name))
      visit(name, linear.weight);
}

void for_each_norm_and_bias(Block& block, const Layout& layout, const VisitTensor& visit) {
  for (auto& [name, norm] : block.norms) {
    visit("norms/" + name + "/gain", norm.gain);
    if (norm.bias.defined())
      visit("norms/" + name + "/bias", norm.bias);
  }
  for (auto& [name, linear] : block.linears)
    if (in_a_stage(layout, name) && linear.bias.defined())
      visit("biases/" + name, linear.bias);
}

void read_into(Tensor& tensor, const SafetensorsFile& file, const std::string& name) {
  const Tensor loaded = file.load(name);
  require(loaded.sizes() == tensor.sizes() && loaded.scalar_type() == at::kFloat, "learn",
          file.path().string() + ": \"" + name + "\" does not fit the model" + next);
  tensor = loaded.clone();
}

} // namespace

std::filesystem::path LearnedWeights::path(std::int64_t layer) const {
  return folder_ / ("layer-" + std::to_string(layer) + ".safetensors");
}

bool LearnedWeights::has(std::int64_t layer) const {
  return std::filesystem::exists(path(layer));
}

std::int64_t LearnedWeights::written(std::int64_t layers) const {
  std::int64_t count = 0;
  while (count < layers && has(count))
    ++count;
  return count;
}

void LearnedWeights::write(const Block& block, const Layout& layout, LearnedParts parts) const {
  make_directory(folder_);
  std::vector<std::pair<std::string, Tensor>> tensors;
  const auto add = [&](const std::string& name, const Tensor& tensor) {
    tensors.emplace_back(name, tensor);
  };
  Block copy = block;
  for_each_weight(copy, layout, add);
  if (parts == LearnedParts::weights_norms_and_biases)
    for_each_norm_and_bias(copy, layout, add);
  write_safetensors(path(block.layer), tensors);
}

void LearnedWeights::install(Block& block, const Layout& layout) const {
  require(has(block.layer), "learn",
          path(block.layer).string() + ": absent; it is needed to go through this run" + next);
  const SafetensorsFile file(path(block.layer));
  for_each_weight(block, layout, [&](const std::string& name, Tensor& weight) {
    require(file.has(name), "learn", file.path().string() + ": has no \"" + name + "\"" + next);
    read_into(weight, file, name);
  });
  for_each_norm_and_bias(block, layout, [&](const std::string& name, Tensor& tensor) {
    if (file.has(name))
      read_into(tensor, file, name);
  });
}

} // namespace latticelens
