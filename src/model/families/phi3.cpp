#include "model/families/phi3.h"

#include "model/attention.h"
#include "model/families/parts.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

Config read_config(const Json& json, const std::string& where) {
  Config config = read_decoder_config(json, where, {.norm_epsilon = 1e-5});
  config.family = "phi3";
  read_window(json, where, /*fallback=*/0, config);
  return config;
}

void attention(const Block& block, const Tensor& x, const Rope& rope, const Config& c,
               State& state) {
  const std::int64_t queries = c.heads * c.head_dimension,
                     keys = c.key_value_heads * c.head_dimension;
  const Tensor all = block.linears.at("self_attn.qkv_proj")(x);
  state.inner = attend(block, all.narrow(-1, 0, queries), all.narrow(-1, queries, keys),
                       all.narrow(-1, queries + keys, keys), rope, c);
}

void gated(const Block& block, const Tensor& x, const Rope&, const Config& config, State& state) {
  const Tensor both = block.linears.at("mlp.gate_up_proj")(x);
  state.inner = at::silu(both.narrow(-1, 0, config.intermediate))
                    .mul_(both.narrow(-1, config.intermediate, config.intermediate));
}

Layout layout(const Config& c) {
  const std::int64_t queries = c.heads * c.head_dimension,
                     keys = c.key_value_heads * c.head_dimension;
  return {
      .linears = {{"self_attn.qkv_proj", queries + 2 * keys, c.hidden},
                  {"self_attn.o_proj", c.hidden, queries},
                  {"mlp.gate_up_proj", 2 * c.intermediate, c.hidden},
                  {"mlp.down_proj", c.hidden, c.intermediate}},
      .norms = {{"input_layernorm", c.hidden}, {"post_attention_layernorm", c.hidden}},
      .stages =
          {{"attention_input",
            {"self_attn.qkv_proj"},
            normed("input_layernorm"),
            attention,
            /*leaves_inner=*/true},
           {"attention_output", {"self_attn.o_proj"}, inner, added_to_stream("self_attn.o_proj")},
           {"mlp_input", {"mlp.gate_up_proj"}, normed("post_attention_layernorm"), gated, true},
           {"mlp_output", {"mlp.down_proj"}, inner, added_to_stream("mlp.down_proj")}},
      .rotation = {.norm_readers = {{"input_layernorm", {"self_attn.qkv_proj"}},
                                    {"post_attention_layernorm", {"mlp.gate_up_proj"}}},
                   .residual_writers = {"self_attn.o_proj", "mlp.down_proj"},
                   .values = {{"self_attn.qkv_proj", queries + keys, keys}},
                   .value_reader = "self_attn.o_proj",
                   .down = {{"mlp_output",
                             "mlp.down_proj",
                             {{"mlp.gate_up_proj", c.intermediate, c.intermediate}}}}}};
}

} // namespace

Family phi3_family() {
  return {.name = "phi3",
          .help = "Phi-3, Phi-3.5 mini, Phi-4, Phi-4 mini",
          .model_types = {"phi3"},
          .read_config = read_config,
          .layout = layout,
          .gguf = {},
          .names = {}};
}

} // namespace latticelens
