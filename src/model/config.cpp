#include "model/config.h"

#include "core/error.h"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace latticelens {
namespace {

constexpr std::int64_t largest_size = std::int64_t{1} << 31;

std::int64_t size_of(const Json& json, const char* key, const std::string& where) {
  const auto size = member<std::int64_t>(json, key, where);
  require(size > 0 && size < largest_size, "config",
          where + ": \"" + key + "\" is " + std::to_string(size) + "; not a model's size");
  return size;
}

/// Both spellings: `rope_parameters` {rope_theta, rope_type, ...}, or `rope_theta` beside
/// `rope_scaling` {type, ...}.
void read_rope(const Json& json, const std::string& where, Config& config) {
  const Json parameters = member_or<Json>(json, "rope_parameters", Json::object(), where);
  const Json scaling = parameters.empty()
                           ? member_or<Json>(json, "rope_scaling", Json::object(), where)
                           : parameters;
  config.rope_theta = member_or<double>(json, "rope_theta", 10000, where);
  config.rope_theta = member_or<double>(scaling, "rope_theta", config.rope_theta, where);
  require(config.rope_theta > 0, "config", where + ": rope_theta is not positive");
  const auto old_spelling = member_or<std::string>(scaling, "type", "default", where);
  const auto kind = member_or<std::string>(scaling, "rope_type", old_spelling, where);
  if (kind == "default")
    return;
  require(kind == "llama3", "config",
          where + ": rope type \"" + kind + "\" is not supported; known: default, llama3");
  config.rope_scaling = {
      .factor = member<double>(scaling, "factor", where),
      .low_frequency_factor = member<double>(scaling, "low_freq_factor", where),
      .high_frequency_factor = member<double>(scaling, "high_freq_factor", where),
      .original_positions = member<double>(scaling, "original_max_position_embeddings", where)};
  const RopeScaling& s = config.rope_scaling;
  require(s.factor >= 1 && s.high_frequency_factor > s.low_frequency_factor &&
              s.low_frequency_factor > 0 && s.original_positions > 0,
          "config", where + ": the numbers of the llama3 rope scaling contradict each other");
}

} // namespace

Config read_llama_config(const Json& json, const std::string& where) {
  Config config{.family = "llama", .source = json};
  config.vocabulary = size_of(json, "vocab_size", where);
  config.hidden = size_of(json, "hidden_size", where);
  config.intermediate = size_of(json, "intermediate_size", where);
  config.layers = size_of(json, "num_hidden_layers", where);
  config.heads = size_of(json, "num_attention_heads", where);
  config.key_value_heads =
      member_or<std::int64_t>(json, "num_key_value_heads", config.heads, where);
  require(config.key_value_heads > 0 && config.heads % config.key_value_heads == 0, "config",
          where + ": " + std::to_string(config.heads) + " heads cannot share " +
              std::to_string(config.key_value_heads) + " key-value heads");
  config.head_dimension =
      member_or<std::int64_t>(json, "head_dim", config.hidden / config.heads, where);
  require(config.head_dimension > 0 && config.head_dimension % 2 == 0 &&
              config.head_dimension < largest_size,
          "config",
          where + ": head_dim " + std::to_string(config.head_dimension) +
              " is not a positive even number");
  config.positions = member_or<std::int64_t>(json, "max_position_embeddings", 0, where);
  config.norm_epsilon = member_or<double>(json, "rms_norm_eps", 1e-6, where);
  config.tied = member_or<bool>(json, "tie_word_embeddings", false, where);
  const auto activation = member_or<std::string>(json, "hidden_act", "silu", where);
  require(activation == "silu", "config",
          where + ": activation \"" + activation + "\" is not supported; known: silu");
  read_rope(json, where, config);
  return config;
}

std::vector<double> rope_frequencies(const Config& config) {
  const RopeScaling& s = config.rope_scaling;
  std::vector<double> frequencies(config.head_dimension / 2);
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    double frequency = std::pow(config.rope_theta, -2.0 * static_cast<double>(i) /
                                                       static_cast<double>(config.head_dimension));
    if (s.factor > 1) {
      const double turns = s.original_positions * frequency / (2 * std::numbers::pi);
      const double share =
          (turns - s.low_frequency_factor) / (s.high_frequency_factor - s.low_frequency_factor);
      const double kept = std::clamp(share, 0.0, 1.0);
      frequency = kept * frequency + (1 - kept) * frequency / s.factor;
    }
    frequencies[i] = frequency;
  }
  return frequencies;
}

} // namespace latticelens
