#include "model/families/llama.h"

#include "core/error.h"
#include "model/attention.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

Tensor attention_input(const Block& block, const State& state, const Config& config) {
  return rms_norm(state.x, block.norms.at("input_layernorm"), config.norm_epsilon);
}

void attention(const Block& block, const Tensor& x, const Rope& rope, const Config& config,
               State& state) {
  state.inner =
      attend(block.linears.at("self_attn.q_proj")(x), block.linears.at("self_attn.k_proj")(x),
             block.linears.at("self_attn.v_proj")(x), rope, config);
}

Tensor inner(const Block&, const State& state, const Config&) {
  return state.inner;
}

void attention_output(const Block& block, const Tensor& x, const Rope&, const Config&,
                      State& state) {
  state.x = block.linears.at("self_attn.o_proj")(x).add_(state.x);
  state.inner = Tensor();
}

Tensor mlp_input(const Block& block, const State& state, const Config& config) {
  return rms_norm(state.x, block.norms.at("post_attention_layernorm"), config.norm_epsilon);
}

void mlp(const Block& block, const Tensor& x, const Rope&, const Config&, State& state) {
  state.inner =
      at::silu(block.linears.at("mlp.gate_proj")(x)).mul_(block.linears.at("mlp.up_proj")(x));
}

void mlp_output(const Block& block, const Tensor& x, const Rope&, const Config&, State& state) {
  state.x = block.linears.at("mlp.down_proj")(x).add_(state.x);
  state.inner = Tensor();
}

std::vector<LinearShape> linears(const Config& c) {
  const std::int64_t queries = c.heads * c.head_dimension,
                     keys = c.key_value_heads * c.head_dimension;
  return {{"self_attn.q_proj", queries, c.hidden},     {"self_attn.k_proj", keys, c.hidden},
          {"self_attn.v_proj", keys, c.hidden},        {"self_attn.o_proj", c.hidden, queries},
          {"mlp.gate_proj", c.intermediate, c.hidden}, {"mlp.up_proj", c.intermediate, c.hidden},
          {"mlp.down_proj", c.hidden, c.intermediate}};
}

constexpr std::pair<const char*, const char*> gguf_names[] = {
    {"self_attn.q_proj", "attn_q"},          {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},          {"self_attn.o_proj", "attn_output"},
    {"mlp.gate_proj", "ffn_gate"},           {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},           {"input_layernorm", "attn_norm"},
    {"post_attention_layernorm", "ffn_norm"}};

std::string gguf_name(const std::string& name) {
  if (name == "model.embed_tokens.weight")
    return "token_embd.weight";
  if (name == "model.norm.weight")
    return "output_norm.weight";
  if (name == "lm_head.weight")
    return "output.weight";
  const std::string prefix = "model.layers.";
  if (!name.starts_with(prefix))
    return "";
  const std::size_t dot = name.find('.', prefix.size()), end = name.rfind('.');
  if (dot == std::string::npos || end <= dot)
    return "";
  for (const auto& [hugging_face, gguf] : gguf_names)
    if (name.substr(dot + 1, end - dot - 1) == hugging_face)
      return "blk." + name.substr(prefix.size(), dot - prefix.size()) + "." + gguf +
             name.substr(end);
  return "";
}

/// GGUF interleaves the two halves of each rotary pair in the rows of q and k.
Tensor from_gguf(const std::string& name, const Tensor& stored, const Config& c) {
  const bool query = name.ends_with("self_attn.q_proj.weight"),
             key = name.ends_with("self_attn.k_proj.weight");
  if (!query && !key)
    return stored;
  const std::int64_t heads = query ? c.heads : c.key_value_heads;
  require(stored.dim() == 2 && stored.size(0) == heads * c.head_dimension, "gguf",
          "tensor \"" + name + "\" does not have a row for each head's dimension");
  return stored.view({heads, c.head_dimension / 2, 2, -1}).transpose(1, 2).reshape(stored.sizes());
}

/// GGUF stores the divisors of the rotary frequencies; find the published scaling that gives them.
Json rope_scaling_of(const GgufFile& file, double theta, std::int64_t head_dimension) {
  const Tensor divisors = file.load("rope_freqs.weight").flatten();
  for (const double factor : {8.0, 16.0, 32.0}) {
    Config scaled{
        .head_dimension = head_dimension, .rope_theta = theta, .rope_scaling = {.factor = factor}};
    Config plain{.head_dimension = head_dimension, .rope_theta = theta};
    const Tensor expected = at::tensor(rope_frequencies(plain), at::kDouble) /
                            at::tensor(rope_frequencies(scaled), at::kDouble);
    if (divisors.sizes() == expected.sizes() &&
        at::allclose(divisors.to(at::kDouble), expected, 1e-3, 0))
      return Json{{"rope_type", "llama3"},
                  {"factor", factor},
                  {"low_freq_factor", 1.0},
                  {"high_freq_factor", 4.0},
                  {"original_max_position_embeddings", 8192}};
  }
  throw Error("gguf", file.path().string() + ": rope_freqs.weight matches no known llama3 scaling; "
                                             "use the Hugging Face folder of this model");
}

Json config_from_gguf(const GgufFile& file) {
  const std::int64_t heads = file.integer("llama.attention.head_count"),
                     hidden = file.integer("llama.embedding_length");
  require(heads > 0 && hidden > 0, "gguf",
          file.path().string() + ": head_count and embedding_length must be positive");
  const auto integer_or = [&](const char* key, std::int64_t fallback) {
    return file.has(key) ? file.integer(key) : fallback;
  };
  const auto embedding = file.tensors().find("token_embd.weight");
  require(embedding != file.tensors().end() && embedding->second.shape.size() == 2, "gguf",
          file.path().string() + ": has no tensor token_embd.weight; is it a whole model?");
  const std::int64_t head_dimension = integer_or("llama.attention.key_length", hidden / heads);
  require(head_dimension > 0 &&
              integer_or("llama.rope.dimension_count", head_dimension) == head_dimension,
          "gguf",
          file.path().string() + ": rotary embedding of a part of each head is not supported");
  const double theta =
      file.has("llama.rope.freq_base") ? file.number("llama.rope.freq_base") : 10000.0;
  Json config = {{"architectures", {"LlamaForCausalLM"}},
                 {"model_type", "llama"},
                 {"hidden_act", "silu"},
                 {"attention_bias", file.tensors().contains("blk.0.attn_q.bias")},
                 {"mlp_bias", file.tensors().contains("blk.0.ffn_up.bias")},
                 {"vocab_size", embedding->second.shape[0]},
                 {"hidden_size", hidden},
                 {"intermediate_size", file.integer("llama.feed_forward_length")},
                 {"num_hidden_layers", file.integer("llama.block_count")},
                 {"num_attention_heads", heads},
                 {"num_key_value_heads", integer_or("llama.attention.head_count_kv", heads)},
                 {"head_dim", head_dimension},
                 {"max_position_embeddings", integer_or("llama.context_length", 2048)},
                 {"rms_norm_eps", file.number("llama.attention.layer_norm_rms_epsilon")},
                 {"rope_theta", theta},
                 {"tie_word_embeddings", !file.tensors().contains("output.weight")}};
  if (file.has("tokenizer.ggml.bos_token_id"))
    config["bos_token_id"] = file.integer("tokenizer.ggml.bos_token_id");
  if (file.has("tokenizer.ggml.eos_token_id"))
    config["eos_token_id"] = file.integer("tokenizer.ggml.eos_token_id");
  if (file.tensors().contains("rope_freqs.weight"))
    config["rope_scaling"] = rope_scaling_of(file, theta, head_dimension);
  return config;
}

} // namespace

Family llama_family() {
  return {
      .name = "llama",
      .help = "LLaMA 2, 3, 3.1, 3.2, SmolLM2, LLM-jp-3",
      .model_types = {"llama"},
      .gguf_architectures = {"llama"},
      .read_config = read_llama_config,
      .config_from_gguf = config_from_gguf,
      .gguf_name = gguf_name,
      .from_gguf = from_gguf,
      .linears = linears,
      .norms = {"input_layernorm", "post_attention_layernorm"},
      .stages = {{"attention_input",
                  {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
                  attention_input,
                  attention,
                  /*leaves_inner=*/true},
                 {"attention_output", {"self_attn.o_proj"}, inner, attention_output},
                 {"mlp_input", {"mlp.gate_proj", "mlp.up_proj"}, mlp_input, mlp, true},
                 {"mlp_output", {"mlp.down_proj"}, inner, mlp_output}},
      .rotation = {.norm_readers = {{"input_layernorm",
                                     {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}},
                                    {"post_attention_layernorm", {"mlp.gate_proj", "mlp.up_proj"}}},
                   .residual_writers = {"self_attn.o_proj", "mlp.down_proj"},
                   .values = "self_attn.v_proj",
                   .value_reader = "self_attn.o_proj",
                   .scaled_rows = "mlp.up_proj",
                   .down_reader = "mlp.down_proj",
                   .down_stage = "mlp_output"}};
}

} // namespace latticelens
