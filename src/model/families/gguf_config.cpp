#include "model/families/gguf_config.h"

#include "core/error.h"
#include <ATen/ATen.h>

namespace latticelens {

std::vector<std::pair<std::string, std::string>> llama_gguf_names() {
  return {{"self_attn.q_proj", "attn_q"},          {"self_attn.k_proj", "attn_k"},
          {"self_attn.v_proj", "attn_v"},          {"self_attn.o_proj", "attn_output"},
          {"mlp.gate_proj", "ffn_gate"},           {"mlp.up_proj", "ffn_up"},
          {"mlp.down_proj", "ffn_down"},           {"input_layernorm", "attn_norm"},
          {"post_attention_layernorm", "ffn_norm"}};
}

Json config_of_gguf(const GgufFile& file, const std::string& architecture,
                    const std::string& model_type) {
  const std::string where = file.path().string();
  const auto key = [&](const char* name) { return architecture + "." + name; };
  const auto integer_or = [&](const char* name, std::int64_t fallback) {
    return file.has(key(name)) ? file.integer(key(name)) : fallback;
  };
  const std::int64_t heads = file.integer(key("attention.head_count")),
                     hidden = file.integer(key("embedding_length"));
  require(heads > 0 && hidden > 0, "gguf",
          where + ": head_count and embedding_length must be positive");
  require(integer_or("expert_count", 0) == 0, "gguf",
          where + ": a mixture of experts in GGUF is not supported; use the model's Hugging Face "
                  "folder");
  const auto embedding = file.tensors().find("token_embd.weight");
  require(embedding != file.tensors().end() && embedding->second.shape.size() == 2, "gguf",
          where + ": has no tensor token_embd.weight; is it a whole model?");
  const std::int64_t head_dimension = integer_or("attention.key_length", hidden / heads);
  require(head_dimension > 0 &&
              integer_or("rope.dimension_count", head_dimension) == head_dimension,
          "gguf", where + ": rotary embedding of a part of each head is not supported");
  Json config = {{"model_type", model_type},
                 {"hidden_act", "silu"},
                 {"vocab_size", embedding->second.shape[0]},
                 {"hidden_size", hidden},
                 {"intermediate_size", file.integer(key("feed_forward_length"))},
                 {"num_hidden_layers", file.integer(key("block_count"))},
                 {"num_attention_heads", heads},
                 {"num_key_value_heads", integer_or("attention.head_count_kv", heads)},
                 {"head_dim", head_dimension},
                 {"max_position_embeddings", integer_or("context_length", 2048)},
                 {"rms_norm_eps", file.number(key("attention.layer_norm_rms_epsilon"))},
                 {"rope_theta",
                  file.has(key("rope.freq_base")) ? file.number(key("rope.freq_base")) : 10000.0},
                 {"tie_word_embeddings", !file.tensors().contains("output.weight")}};
  if (file.has("tokenizer.ggml.bos_token_id"))
    config["bos_token_id"] = file.integer("tokenizer.ggml.bos_token_id");
  if (file.has("tokenizer.ggml.eos_token_id"))
    config["eos_token_id"] = file.integer("tokenizer.ggml.eos_token_id");
  return config;
}

GgufMetadata gguf_of_config(const Config& config, const std::string& architecture) {
  const auto key = [&](const char* name) { return architecture + "." + name; };
  const auto refuse = [&](bool wrong, const char* what) {
    require(!wrong, "gguf",
            std::string(what) + " has no form in GGUF's \"" + architecture +
                "\"; export another format, as --format plain");
  };
  refuse(!config.windows.empty(), "a sliding window");
  refuse(config.experts > 0, "a mixture of experts");
  refuse(config.layer_norm, "layer normalisation");
  refuse(!config.long_rope.short_divisors.empty(), "LongRoPE or YaRN");
  refuse(config.rotary_dimension != 0 && config.rotary_dimension != config.head_dimension,
         "rotary embedding of a part of each head");
  return {{key("block_count"), config.layers},
          {key("context_length"), config.positions > 0 ? config.positions : 2048},
          {key("embedding_length"), config.hidden},
          {key("feed_forward_length"), config.intermediate},
          {key("attention.head_count"), config.heads},
          {key("attention.head_count_kv"), config.key_value_heads},
          {key("attention.key_length"), config.head_dimension},
          {key("attention.value_length"), config.head_dimension},
          {key("attention.layer_norm_rms_epsilon"), config.norm_epsilon},
          {key("rope.freq_base"), config.rope_theta},
          {key("rope.dimension_count"), config.head_dimension},
          {key("vocab_size"), config.vocabulary}};
}

Tensor rope_divisors(const Config& config) {
  if (config.rope_scaling.factor == 1)
    return {};
  Config plain = config;
  plain.rope_scaling = {};
  return (at::tensor(rope_frequencies(plain), at::kDouble) /
          at::tensor(rope_frequencies(config), at::kDouble))
      .to(at::kFloat);
}

namespace {

/// How many heads' rows a tensor of q or k has; 0: it is another tensor.
std::int64_t rotary_heads(const std::string& name, const Tensor& tensor, const Config& config) {
  const bool query = name.find("self_attn.q_proj.") != std::string::npos,
             key = name.find("self_attn.k_proj.") != std::string::npos;
  if (!query && !key)
    return 0;
  const std::int64_t heads = query ? config.heads : config.key_value_heads;
  require(tensor.dim() > 0 && tensor.size(0) == heads * config.head_dimension, "gguf",
          "tensor \"" + name + "\" does not have a row for each head's dimension");
  return heads;
}

/// Rows [heads, first, second] -> [heads, second, first].
Tensor transpose_rows(const Tensor& tensor, std::int64_t heads, std::int64_t first,
                      std::int64_t second) {
  return tensor.reshape({heads, first, second, -1}).transpose(1, 2).reshape(tensor.sizes());
}

} // namespace

Tensor interleave_rotary_rows(const std::string& name, const Tensor& tensor, const Config& config) {
  const std::int64_t heads = rotary_heads(name, tensor, config);
  return heads == 0 ? tensor : transpose_rows(tensor, heads, 2, config.head_dimension / 2);
}

Tensor restore_rotary_rows(const std::string& name, const Tensor& stored, const Config& config) {
  const std::int64_t heads = rotary_heads(name, stored, config);
  return heads == 0 ? stored : transpose_rows(stored, heads, config.head_dimension / 2, 2);
}

} // namespace latticelens
