#include "pretrain/network.h"

#include "core/random.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace latticelens {
namespace {

constexpr double deviation = 0.02;

/// Box and Muller's, so that the draws are the same wherever the program runs.
void draw_normal(Tensor& matrix, double spread, std::uint64_t seed) {
  Random random(seed);
  float* values = matrix.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < matrix.numel(); i += 2) {
    const double radius = spread * std::sqrt(-2 * std::log(1 - random.uniform())),
                 angle = 2 * std::numbers::pi * random.uniform();
    values[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < matrix.numel())
      values[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
}

Model shape_of(const Recipe& recipe) {
  const Family& family = family_of_model_type("llama", "pretrain");
  const Config config = config_of(recipe);
  return {.path = {},
          .family = &family,
          .config = config,
          .layout = std::make_shared<const Layout>(family.layout(config)),
          .tensors = nullptr};
}

Block block_of(const Layout& layout, std::int64_t layer) {
  Block block{.layer = layer};
  for (const LinearShape& shape : layout.linears)
    block.linears[shape.name] = {at::zeros({shape.out, shape.in}), {}};
  for (const NormShape& norm : layout.norms)
    block.norms[norm.name] = {.gain = at::ones({norm.width}), .bias = {}};
  return block;
}

bool writes_to_stream(const Layout& layout, const std::string& name) {
  return std::ranges::any_of(layout.rotation.residual_writers, [&](const std::string& writer) {
    return name.ends_with(writer + ".weight");
  });
}

} // namespace

std::vector<Parameter> parameters_of(Network& network) {
  const OuterNames& names = network.model.family->names;
  std::vector<Parameter> all = {{names.embedding + ".weight", &network.embedding}};
  for (Block& block : network.blocks) {
    const std::string prefix = block_prefix(network.model, block.layer);
    for (auto& [name, linear] : block.linears)
      all.push_back({prefix + name + ".weight", &linear.weight});
    for (auto& [name, norm] : block.norms)
      all.push_back({prefix + name + ".weight", &norm.gain, /*is_matrix=*/false});
  }
  all.push_back({names.norm + ".weight", &network.norm.gain, /*is_matrix=*/false});
  return all;
}

Network initial_network(const Recipe& recipe) {
  Network network{.model = shape_of(recipe),
                  .embedding = at::zeros({recipe.vocabulary, recipe.hidden}),
                  .blocks = {},
                  .norm = {.gain = at::ones({recipe.hidden}), .bias = {}}};
  const Layout& layout = *network.model.layout;
  for (std::int64_t layer = 0; layer < recipe.layers; ++layer)
    network.blocks.push_back(block_of(layout, layer));
  const double narrower = 1 / std::sqrt(2 * static_cast<double>(recipe.layers));
  for (const Parameter& parameter : parameters_of(network))
    if (parameter.is_matrix)
      draw_normal(*parameter.value,
                  deviation * (writes_to_stream(layout, parameter.name) ? narrower : 1),
                  derived_seed(recipe.seed, parameter.name));
  return network;
}

std::int64_t parameter_count(Network& network) {
  std::int64_t count = 0;
  for (const Parameter& parameter : parameters_of(network))
    count += parameter.value->numel();
  return count;
}

} // namespace latticelens
