#include "model/families/qwen.h"

#include "model/attention.h"
#include "model/families/gguf_config.h"
#include "model/families/parts.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

Config read_qwen2_config(const Json& json, const std::string& where) {
  Config config = read_llama_config(json, where);
  config.family = "qwen2";
  if (member_or<bool>(json, "use_sliding_window", false, where))
    read_window(json, where, /*fallback=*/4096, config,
                member_or<std::int64_t>(json, "max_window_layers", 28, where));
  return config;
}

Config read_qwen3_config(const Json& json, const std::string& where) {
  Json sized = json; // its heads do not follow from the hidden size
  if (member_or<Json>(json, "head_dim", nullptr, where).is_null())
    sized["head_dim"] = 128;
  Config config = read_qwen2_config(sized, where);
  config.family = "qwen3";
  config.source = json;
  return config;
}

Layout qwen2_layout(const Config& config) {
  Layout layout = llama_layout(config);
  for (LinearShape& linear : layout.linears)
    for (const std::string& biased : layout.stages.front().linears)
      linear.biased |= linear.name == biased;
  return layout;
}

/// x [n, t, heads * d] with each head normalised.
Tensor normed_heads(const Norm& norm, const Tensor& x, const Config& config) {
  return norm(x.unflatten(-1, {-1, config.head_dimension}), config.norm_epsilon).flatten(-2);
}

void attention_of_normed_heads(const Block& block, const Tensor& x, const Rope& rope,
                               const Config& config, State& state) {
  const auto heads = [&](const char* norm, const char* linear) {
    return normed_heads(block.norms.at(norm), block.linears.at(linear)(x), config);
  };
  state.inner = attend(block, heads("self_attn.q_norm", "self_attn.q_proj"),
                       heads("self_attn.k_norm", "self_attn.k_proj"),
                       block.linears.at("self_attn.v_proj")(x), rope, config);
}

Layout qwen3_layout(const Config& config) {
  Layout layout = llama_layout(config);
  layout.norms.push_back({"self_attn.q_norm", config.head_dimension});
  layout.norms.push_back({"self_attn.k_norm", config.head_dimension});
  layout.stages.front().advance = attention_of_normed_heads;
  return layout;
}

Json qwen2_config_from_gguf(const GgufFile& file) {
  Json config = config_of_gguf(file, "qwen2", "qwen2");
  config["architectures"] = {"Qwen2ForCausalLM"};
  return config;
}

Json qwen3_config_from_gguf(const GgufFile& file) {
  Json config = config_of_gguf(file, "qwen3", "qwen3");
  config["architectures"] = {"Qwen3ForCausalLM"};
  return config;
}

std::vector<std::pair<std::string, std::string>> qwen3_gguf_names() {
  auto names = llama_gguf_names();
  names.emplace_back("self_attn.q_norm", "attn_q_norm");
  names.emplace_back("self_attn.k_norm", "attn_k_norm");
  return names;
}

} // namespace

Family qwen2_family() {
  return {.name = "qwen2",
          .help = "Qwen2, Qwen2.5",
          .model_types = {"qwen2"},
          .read_config = read_qwen2_config,
          .layout = qwen2_layout,
          .gguf = {.architecture = "qwen2",
                   .config = qwen2_config_from_gguf,
                   .names = llama_gguf_names()},
          .names = {}};
}

Family qwen3_family() {
  return {.name = "qwen3",
          .help = "Qwen3 (dense)",
          .model_types = {"qwen3"},
          .read_config = read_qwen3_config,
          .layout = qwen3_layout,
          .gguf = {.architecture = "qwen3",
                   .config = qwen3_config_from_gguf,
                   .names = qwen3_gguf_names()},
          .names = {}};
}

} // namespace latticelens
