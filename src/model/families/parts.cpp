#include "model/families/parts.h"

#include "model/attention.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

void gated(const Block& block, const Tensor& x, const Rope&, const Config&, State& state) {
  state.inner =
      at::silu(block.linears.at("mlp.gate_proj")(x)).mul_(block.linears.at("mlp.up_proj")(x));
}

} // namespace

StageInput normed(const std::string& norm) {
  return [norm](const Block& block, const State& state, const Config& config) {
    return block.norms.at(norm)(state.x, config.norm_epsilon);
  };
}

Tensor inner(const Block&, const State& state, const Config&) {
  return state.inner;
}

StageAdvance added_to_stream(const std::string& linear) {
  return [linear](const Block& block, const Tensor& x, const Rope&, const Config&, State& state) {
    state.x = block.linears.at(linear)(x).add_(state.x);
    state.inner = Tensor();
  };
}

void attention(const Block& block, const Tensor& x, const Rope& rope, const Config& config,
               State& state) {
  state.inner = attend(block, block.linears.at("self_attn.q_proj")(x),
                       block.linears.at("self_attn.k_proj")(x),
                       block.linears.at("self_attn.v_proj")(x), rope, config);
}

Layout llama_layout(const Config& c) {
  const std::int64_t queries = c.heads * c.head_dimension,
                     keys = c.key_value_heads * c.head_dimension;
  const std::vector<std::string> attention_readers = {"self_attn.q_proj", "self_attn.k_proj",
                                                      "self_attn.v_proj"},
                                 mlp_readers = {"mlp.gate_proj", "mlp.up_proj"};
  return {.linears = {{"self_attn.q_proj", queries, c.hidden},
                      {"self_attn.k_proj", keys, c.hidden},
                      {"self_attn.v_proj", keys, c.hidden},
                      {"self_attn.o_proj", c.hidden, queries},
                      {"mlp.gate_proj", c.intermediate, c.hidden},
                      {"mlp.up_proj", c.intermediate, c.hidden},
                      {"mlp.down_proj", c.hidden, c.intermediate}},
          .norms = {{"input_layernorm", c.hidden}, {"post_attention_layernorm", c.hidden}},
          .stages = {{"attention_input", attention_readers, normed("input_layernorm"), attention,
                      /*leaves_inner=*/true},
                     {"attention_output",
                      {"self_attn.o_proj"},
                      inner,
                      added_to_stream("self_attn.o_proj")},
                     {"mlp_input", mlp_readers, normed("post_attention_layernorm"), gated, true},
                     {"mlp_output", {"mlp.down_proj"}, inner, added_to_stream("mlp.down_proj")}},
          .rotation = {
              .norm_readers = {{"input_layernorm", attention_readers},
                               {"post_attention_layernorm", mlp_readers}},
              .residual_writers = {"self_attn.o_proj", "mlp.down_proj"},
              .values = {{"self_attn.v_proj", 0, keys}},
              .value_reader = "self_attn.o_proj",
              .down = {{"mlp_output", "mlp.down_proj", {{"mlp.up_proj", 0, c.intermediate}}}}}};
}

} // namespace latticelens
