// A small random model of any family, written as a Hugging Face folder: its tensors follow from the
// family's layout. Widths are multiples of 32, so that every format fits.
#pragma once
#include "core/files.h"
#include "model/family.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>

namespace latticelens::testing {

inline Json tiny_family_config(const Family& family) {
  return {{"model_type", family.model_types.front()},
          {"architectures", {"Tiny"}},
          {"vocab_size", 96},
          {"hidden_size", 128},
          {"intermediate_size", 96},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"head_dim", 32},
          {"num_local_experts", 4},
          {"num_experts_per_tok", 2},
          {"use_sliding_window", true},
          {"sliding_window", 12},
          {"max_window_layers", 1},
          {"tie_word_embeddings", false},
          {"max_position_embeddings", 512}};
}

using Weights = std::vector<std::pair<std::string, at::Tensor>>;

/// `finish` is applied to every weight of a linear that a stage names.
inline Weights tiny_family_weights(const Family& family, const Json& json,
                                   const std::function<at::Tensor(const at::Tensor&)>& finish) {
  at::manual_seed(5);
  const Config config = family.read_config(json, "tiny");
  const Layout layout = family.layout(config);
  Weights weights;
  const auto add_norm = [&](const std::string& name, std::int64_t width) {
    weights.emplace_back(name + ".weight", 1 + 0.3 * at::randn({width}, at::kFloat));
    if (config.layer_norm)
      weights.emplace_back(name + ".bias", 0.3 * at::randn({width}, at::kFloat));
  };
  const OuterNames& names = family.names;
  weights.emplace_back(names.embedding + ".weight",
                       at::randn({config.vocabulary, config.hidden}, at::kFloat));
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string prefix = names.blocks + std::to_string(layer) + ".";
    for (const NormShape& norm : layout.norms)
      add_norm(prefix + norm.name, norm.width);
    if (!layout.sinks.empty())
      weights.emplace_back(prefix + layout.sinks, at::randn({config.heads}, at::kFloat));
    for (const LinearShape& linear : layout.linears) {
      const at::Tensor weight = at::randn({linear.out, linear.in}, at::kFloat) /
                                std::sqrt(static_cast<double>(linear.in));
      weights.emplace_back(prefix + linear.name + ".weight",
                           in_a_stage(layout, linear.name) ? finish(weight) : weight * 3);
      if (linear.biased)
        weights.emplace_back(prefix + linear.name + ".bias",
                             0.3 * at::randn({linear.out}, at::kFloat));
    }
  }
  add_norm(names.norm, config.hidden);
  weights.emplace_back(names.head + ".weight",
                       0.2 * at::randn({config.vocabulary, config.hidden}, at::kFloat));
  return weights;
}

inline void write_tiny_family(const std::filesystem::path& folder, const Family& family,
                              const std::function<at::Tensor(const at::Tensor&)>& finish,
                              const Json& changes = Json::object()) {
  make_directory(folder);
  Json config = tiny_family_config(family);
  config.update(changes);
  write_text(folder / "config.json", config.dump());
  write_safetensors(folder / "model.safetensors", tiny_family_weights(family, config, finish));
}

} // namespace latticelens::testing
