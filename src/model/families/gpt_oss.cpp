#include "model/families/gpt_oss.h"

#include "core/error.h"
#include "model/families/experts.h"
#include "model/families/fused_experts.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

Config read_config(const Json& json, const std::string& where) {
  Json filled = json; // what the architecture has when its config does not say it
  if (!filled.contains("rope_parameters") && !filled.contains("rope_scaling"))
    filled["rope_scaling"] = {{"rope_type", "yarn"}, {"factor", 32.0},
                              {"beta_fast", 32.0},   {"beta_slow", 1.0},
                              {"truncate", false},   {"original_max_position_embeddings", 4096}};
  const bool has_theta =
      filled.contains("rope_theta") ||
      member_or<Json>(filled, "rope_parameters", Json::object(), where).contains("rope_theta");
  if (!has_theta)
    filled["rope_theta"] = 150000.0;
  Config config = read_decoder_config(filled, where, {.norm_epsilon = 1e-5});
  config.family = "gpt_oss";
  config.source = json;
  config.attention_bias = member_or<bool>(json, "attention_bias", true, where);
  if (!filled.contains("layer_types") || filled["layer_types"].is_null()) {
    filled["layer_types"] = Json::array(); // every other block, from the first on
    for (std::int64_t layer = 0; layer < config.layers; ++layer)
      filled["layer_types"].push_back(layer % 2 == 0 ? "sliding_attention" : "full_attention");
  }
  read_window(filled, where, /*fallback=*/128, config);
  read_experts(json, where, /*usual=*/128, /*usual_per_token=*/4, config);
  config.gate_limit = member_or<double>(json, "swiglu_limit", 7.0, where);
  config.gate_slope = member_or<double>(json, "swiglu_alpha", 1.702, where);
  require(config.gate_limit > 0 && config.gate_slope > 0, "config",
          where + ": swiglu_limit and swiglu_alpha are not positive");
  return config;
}

Tensor gated(const Tensor& gate, const Tensor& up, const Config& config) {
  const Tensor below = gate.clamp_max(config.gate_limit),
               within = up.clamp(-config.gate_limit, config.gate_limit);
  return (within + 1) * below * at::sigmoid(below * config.gate_slope);
}

Layout layout(const Config& config) {
  Layout layout = experts_layout(config,
                                 {.names = {.router = "mlp.router",
                                            .experts = fused_experts::experts,
                                            .gate = fused_experts::gate,
                                            .up = fused_experts::up,
                                            .down = fused_experts::down},
                                  .gated = gated,
                                  .odd_in_up = false},
                                 /*biased=*/true);
  layout.sinks = "self_attn.sinks";
  return layout;
}

} // namespace

Family gpt_oss_family() {
  return {.name = "gpt_oss",
          .help = "gpt-oss 20B, 120B",
          .model_types = {"gpt_oss"},
          .read_config = read_config,
          .layout = layout,
          .gguf = {},
          .names = {},
          .open = fused_experts::open,
          .joined = fused_experts::joined};
}

} // namespace latticelens
