// A small random LLaMA written as a Hugging Face folder, for tests that need no outside data.
#pragma once
#include "core/files.h"
#include "core/json.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>

namespace latticelens::testing {

struct TinyModel {
  std::int64_t vocabulary = 96, hidden = 64, intermediate = 96, layers = 2, heads = 4,
               key_value_heads = 2;
  bool tied = true, biases = false;
};

inline Json tiny_config(const TinyModel& m) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_act", "silu"},
          {"vocab_size", m.vocabulary},
          {"hidden_size", m.hidden},
          {"intermediate_size", m.intermediate},
          {"num_hidden_layers", m.layers},
          {"num_attention_heads", m.heads},
          {"num_key_value_heads", m.key_value_heads},
          {"head_dim", 32},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"tie_word_embeddings", m.tied},
          {"max_position_embeddings", 512}};
}

inline std::vector<std::pair<std::string, at::Tensor>> tiny_weights(const TinyModel& m) {
  at::manual_seed(11);
  std::vector<std::pair<std::string, at::Tensor>> weights;
  const auto add = [&](const std::string& name, at::IntArrayRef shape, double scale) {
    weights.emplace_back(name, at::randn(shape, at::kFloat) * scale);
  };
  const auto add_gain = [&](const std::string& name) {
    weights.emplace_back(name, 1 + 0.3 * at::randn({m.hidden}, at::kFloat));
  };
  const auto add_linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in}, 1.5 / std::sqrt(static_cast<double>(in)));
    if (m.biases)
      add(name + ".bias", {out}, 0.2);
  };
  add("model.embed_tokens.weight", {m.vocabulary, m.hidden}, 1);
  for (std::int64_t layer = 0; layer < m.layers; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    add_gain(prefix + "input_layernorm.weight");
    add_gain(prefix + "post_attention_layernorm.weight");
    add_linear(prefix + "self_attn.q_proj", m.heads * 32, m.hidden);
    add_linear(prefix + "self_attn.k_proj", m.key_value_heads * 32, m.hidden);
    add_linear(prefix + "self_attn.v_proj", m.key_value_heads * 32, m.hidden);
    add_linear(prefix + "self_attn.o_proj", m.hidden, m.heads * 32);
    add_linear(prefix + "mlp.gate_proj", m.intermediate, m.hidden);
    add_linear(prefix + "mlp.up_proj", m.intermediate, m.hidden);
    add_linear(prefix + "mlp.down_proj", m.hidden, m.intermediate);
  }
  add_gain("model.norm.weight");
  if (!m.tied)
    add("lm_head.weight", {m.vocabulary, m.hidden}, 0.2);
  return weights;
}

/// The visible ASCII characters, space and newline in the byte alphabet.
inline Json tiny_vocabulary() {
  Json vocabulary = {{"\u0120", 0}, {"\u010a", 1}};
  for (char c = '!'; c <= '~'; ++c)
    vocabulary[std::string(1, c)] = c - '!' + 2;
  return vocabulary;
}

/// A byte-level tokenizer of these tokens, without merges.
inline void write_tiny_tokenizer(const std::filesystem::path& folder, const Json& vocabulary) {
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  const Json model = {{"type", "BPE"},
                      {"dropout", nullptr},
                      {"unk_token", nullptr},
                      {"continuing_subword_prefix", nullptr},
                      {"end_of_word_suffix", nullptr},
                      {"fuse_unk", false},
                      {"byte_fallback", false},
                      {"vocab", vocabulary},
                      {"merges", Json::array()}};
  const Json tokenizer = {{"version", "1.0"},
                          {"truncation", nullptr},
                          {"padding", nullptr},
                          {"added_tokens", Json::array()},
                          {"normalizer", nullptr},
                          {"pre_tokenizer", byte_level},
                          {"post_processor", nullptr},
                          {"decoder", byte_level},
                          {"model", model}};
  write_text(folder / "tokenizer.json", tokenizer.dump());
}

inline void write_tiny_model(const std::filesystem::path& folder, const TinyModel& m = {}) {
  make_directory(folder);
  write_text(folder / "config.json", tiny_config(m).dump());
  write_safetensors(folder / "model.safetensors", tiny_weights(m));
  write_tiny_tokenizer(folder, tiny_vocabulary());
}

} // namespace latticelens::testing
