#include "model/families/mixtral.h"

#include "model/families/experts.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

Config read_config(const Json& json, const std::string& where) {
  Config config = read_decoder_config(json, where, {.norm_epsilon = 1e-5});
  config.family = "mixtral";
  read_window(json, where, /*fallback=*/0, config);
  read_experts(json, where, /*usual=*/8, /*usual_per_token=*/2, config);
  return config;
}

Tensor gated(const Tensor& gate, const Tensor& up, const Config&) {
  return at::silu(gate).mul_(up);
}

Layout layout(const Config& config) {
  return experts_layout(config, {.names = {.router = "block_sparse_moe.gate",
                                           .experts = "block_sparse_moe.experts",
                                           .gate = "w1",
                                           .up = "w3",
                                           .down = "w2"},
                                 .gated = gated});
}

} // namespace

Family mixtral_family() {
  return {.name = "mixtral",
          .help = "Mixtral 8x7B, 8x22B",
          .model_types = {"mixtral"},
          .read_config = read_config,
          .layout = layout,
          .gguf = {},
          .names = {}};
}

} // namespace latticelens
