#include "model/families/gpt_neox.h"

#include "model/attention.h"
#include "model/families/parts.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

const std::string qkv = "attention.query_key_value", dense = "attention.dense",
                  up = "mlp.dense_h_to_4h", down = "mlp.dense_4h_to_h";
// Rotating the stream turns layer norms into RMS norms, which no published architecture has: such a
// folder gets a name of its own, so that other programs refuse it instead of computing nonsense.
const char* const rms_type = "gpt_neox_rms";

Config read_config(const Json& json, const std::string& where) {
  Json plain = json; // each head has its own keys, and the width that the hidden size gives it
  plain.erase("num_key_value_heads");
  plain.erase("head_dim");
  Config config =
      read_decoder_config(plain, where,
                          {.epsilon = "layer_norm_eps",
                           .norm_epsilon = 1e-5,
                           .activations = {"gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh"},
                           .rotary_share = 0.25});
  config.family = "gpt_neox";
  config.source = json;
  config.layer_norm = member_or<std::string>(json, "model_type", "", where) != rms_type;
  config.attention_bias = member_or<bool>(json, "attention_bias", true, where);
  config.parallel_residual = member_or<bool>(json, "use_parallel_residual", true, where);
  return config;
}

/// The rows of the fused matrix are query, key and value of one head after the other.
void attention(const Block& block, const Tensor& x, const Rope& rope, const Config& config,
               State& state) {
  const Tensor all = block.linears.at(qkv)(x).unflatten(-1, {config.heads, 3, -1});
  const auto part = [&](std::int64_t i) { return all.select(-2, i).flatten(-2); };
  state.inner = attend(block, part(0), part(1), part(2), rope, config);
}

void attention_output(const Block& block, const Tensor& x, const Rope&, const Config& config,
                      State& state) {
  const Tensor result = block.linears.at(dense)(x);
  if (config.parallel_residual)
    state.beside = result;
  else
    state.x = state.x + result;
  state.inner = Tensor();
}

void mlp(const Block& block, const Tensor& x, const Rope&, const Config& config, State& state) {
  const char* const form = config.activation == "gelu" ? "none" : "tanh";
  state.inner = at::gelu(block.linears.at(up)(x), form);
}

void mlp_output(const Block& block, const Tensor& x, const Rope&, const Config&, State& state) {
  const Tensor before = state.beside.defined() ? state.x + state.beside : state.x;
  state = {.x = block.linears.at(down)(x).add_(before)};
}

/// The value rows of each head of the fused matrix.
std::vector<Rows> value_rows(const Config& c) {
  std::vector<Rows> rows;
  for (std::int64_t head = 0; head < c.heads; ++head)
    rows.push_back({qkv, (3 * head + 2) * c.head_dimension, c.head_dimension});
  return rows;
}

Layout layout(const Config& c) {
  const std::int64_t width = c.heads * c.head_dimension;
  return {
      .linears = {{qkv, 3 * width, c.hidden, c.attention_bias},
                  {dense, c.hidden, width, c.attention_bias},
                  {up, c.intermediate, c.hidden, true},
                  {down, c.hidden, c.intermediate, true}},
      .norms = {{"input_layernorm", c.hidden}, {"post_attention_layernorm", c.hidden}},
      .stages = {{"attention_input",
                  {qkv},
                  normed("input_layernorm"),
                  attention,
                  /*leaves_inner=*/true},
                 {"attention_output", {dense}, inner, attention_output},
                 {"mlp_input", {up}, normed("post_attention_layernorm"), mlp, true},
                 {"mlp_output", {down}, inner, mlp_output}},
      .rotation = {.norm_readers = {{"input_layernorm", {qkv}}, {"post_attention_layernorm", {up}}},
                   .residual_writers = {dense, down},
                   .values = value_rows(c),
                   .value_reader = dense,
                   .down = {{"mlp_output", down, {}}}}};
}

} // namespace

Family gpt_neox_family() {
  return {.name = "gpt_neox",
          .help = "GPT-NeoX, Pythia",
          .model_types = {"gpt_neox", rms_type},
          .read_config = read_config,
          .layout = layout,
          .gguf = {},
          .names = {.embedding = "gpt_neox.embed_in",
                    .blocks = "gpt_neox.layers.",
                    .norm = "gpt_neox.final_layer_norm",
                    .head = "embed_out"},
          .rms_model_type = rms_type};
}

} // namespace latticelens
