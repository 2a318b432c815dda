#include "pretrain/recipe.h"

#include "core/error.h"
#include <initializer_list>
#include <utility>

namespace latticelens {
namespace {

std::string option(const char* name, std::int64_t value) {
  return std::string("--") + name + " " + std::to_string(value);
}

} // namespace

void check_recipe(const Recipe& r) {
  const auto check = [](bool good, const std::string& message) {
    require(good, "pretrain", message);
  };
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::int64_t>>{
           {"hidden", r.hidden},
           {"layers", r.layers},
           {"heads", r.heads},
           {"key-value-heads", r.key_value_heads},
           {"intermediate", r.intermediate},
           {"steps", r.steps},
           {"every", r.every}})
    check(value >= 1 && value <= 1'000'000, option(name, value) + ": should be 1 to 1000000");
  check(r.tokenizer == "bpe" || r.tokenizer == "unigram",
        "--tokenizer " + r.tokenizer + ": unknown; give bpe or unigram");
  check(r.window >= 2, option("window", r.window) +
                           ": the last token of a window predicts nothing; give 2 or more");
  check(r.hidden % r.heads == 0 && r.hidden / r.heads % 2 == 0,
        option("heads", r.heads) + ": should cut --hidden " + std::to_string(r.hidden) +
            " into heads of an even width, for the rotary positions turn pairs");
  check(r.heads % r.key_value_heads == 0, option("key-value-heads", r.key_value_heads) +
                                              ": should divide --heads " + std::to_string(r.heads));
  check(r.batch_tokens >= r.window && r.batch_tokens % r.window == 0,
        option("batch-tokens", r.batch_tokens) + ": should be a multiple of --window " +
            std::to_string(r.window));
  check(r.rate > 0 && r.rate <= 1, "--rate: should be above 0 and at most 1");
  check(r.warm_up >= 0 && r.warm_up < 1, "--warm-up: should be 0 or a share below 1");
}

Json to_json(const Recipe& r) {
  return {{"tokenizer", r.tokenizer},
          {"vocabulary", r.vocabulary},
          {"hidden", r.hidden},
          {"layers", r.layers},
          {"heads", r.heads},
          {"key_value_heads", r.key_value_heads},
          {"intermediate", r.intermediate},
          {"window", r.window},
          {"steps", r.steps},
          {"batch_tokens", r.batch_tokens},
          {"rate", r.rate},
          {"warm_up", r.warm_up},
          {"every", r.every},
          {"seed", r.seed}};
}

Json config_json(const Recipe& r) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_act", "silu"},
          {"vocab_size", r.vocabulary},
          {"hidden_size", r.hidden},
          {"intermediate_size", r.intermediate},
          {"num_hidden_layers", r.layers},
          {"num_attention_heads", r.heads},
          {"num_key_value_heads", r.key_value_heads},
          {"head_dim", r.hidden / r.heads},
          {"max_position_embeddings", r.window},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"attention_bias", false},
          {"mlp_bias", false},
          {"tie_word_embeddings", true},
          {"initializer_range", 0.02},
          {"bos_token_id", 1},
          {"eos_token_id", 2},
          {"torch_dtype", "float32"}};
}

Config config_of(const Recipe& recipe) {
  return read_llama_config(config_json(recipe), "pretrain");
}

std::int64_t windows_a_step(const Recipe& recipe) {
  return recipe.batch_tokens / recipe.window;
}

} // namespace latticelens
