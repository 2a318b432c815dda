#include "model/config.h"

#include "core/error.h"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace latticelens {
namespace {

constexpr std::int64_t largest_size = std::int64_t{1} << 31;
constexpr std::int64_t largest_count = std::int64_t{1} << 16; // of layers, heads, a head's numbers

std::int64_t size_of(const Json& json, const char* key, const std::string& where,
                     std::int64_t limit = largest_size) {
  const auto size = member<std::int64_t>(json, key, where);
  require(size > 0 && size < limit, "config",
          where + ": \"" + key + "\" is " + std::to_string(size) + "; not a model's size");
  return size;
}

void read_llama3(const Json& scaling, const std::string& where, Config& config) {
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

/// Positive numbers, one for each rotated pair.
std::vector<double> divisors_of(const Json& scaling, const char* key, std::size_t pairs,
                                const std::string& where) {
  const Json list = member<Json>(scaling, key, where);
  std::vector<double> divisors;
  for (const Json& divisor : list.is_array() ? list : Json::array())
    divisors.push_back(divisor.is_number() ? divisor.get<double>() : 0);
  require(divisors.size() == pairs && std::all_of(divisors.begin(), divisors.end(),
                                                  [](double d) { return d > 1e-9 && d < 1e9; }),
          "config",
          where + ": \"" + key + "\" is not a list of " + std::to_string(pairs) +
              " positive numbers, one for each rotated pair of a head");
  return divisors;
}

void read_longrope(const Json& json, const Json& scaling, const std::string& where,
                   Config& config) {
  const auto pairs = static_cast<std::size_t>(config.rotary_dimension / 2);
  LongRope& rope = config.long_rope;
  rope.short_divisors = divisors_of(scaling, "short_factor", pairs, where);
  rope.long_divisors = divisors_of(scaling, "long_factor", pairs, where);
  const double positions = member<double>(json, "max_position_embeddings", where);
  const auto inside =
      member_or<double>(scaling, "original_max_position_embeddings", positions, where);
  rope.original_positions =
      member_or<double>(json, "original_max_position_embeddings", inside, where);
  require(positions > 0 && rope.original_positions > 1, "config",
          where + ": the positions of the longrope scaling are not above 1");
  const double factor = positions / rope.original_positions;
  const double usual =
      factor > 1 ? std::sqrt(1 + std::log(factor) / std::log(rope.original_positions)) : 1;
  rope.amplitude = member_or<double>(scaling, "attention_factor", usual, where);
  require(rope.amplitude > 0 && rope.amplitude < 1e6, "config",
          where + ": \"attention_factor\" is not a positive number of usual size");
}

/// Long wavelengths are stretched by `factor`, short ones are kept, between them a ramp (YaRN,
/// Peng et al. 2023, §3.2 to §3.4).
void read_yarn(const Json& json, const Json& scaling, const std::string& where, Config& config) {
  const auto number = [&](const char* key, double fallback) {
    return member_or<double>(scaling, key, fallback, where);
  };
  const double factor = member<double>(scaling, "factor", where),
               positions = number("original_max_position_embeddings",
                                  member_or<double>(json, "max_position_embeddings", 0, where)),
               fast = number("beta_fast", 32), slow = number("beta_slow", 1);
  require(factor >= 1 && positions > 1 && fast > slow && slow > 0 && config.rope_theta > 1 &&
              !scaling.contains("mscale"),
          "config", where + ": the numbers of the yarn rope scaling are not supported");
  const auto dimension = static_cast<double>(config.rotary_dimension);
  /// The place among the pairs whose vector turns so often in all positions.
  const auto place = [&](double turns) {
    return dimension * std::log(positions / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(config.rope_theta));
  };
  const bool whole = member_or<bool>(scaling, "truncate", true, where);
  double low = whole ? std::floor(place(fast)) : place(fast),
         high = whole ? std::ceil(place(slow)) : place(slow);
  low = std::max(low, 0.0);
  high = std::min(high, dimension - 1);
  constexpr double least = 0.001; // as its authors avoid a ramp without length
  for (std::int64_t i = 0; i < config.rotary_dimension / 2; ++i) {
    const double ramp =
        std::clamp((static_cast<double>(i) - low) / std::max(high - low, least), 0.0, 1.0);
    config.long_rope.short_divisors.push_back(1 / (ramp / factor + (1 - ramp)));
  }
  config.long_rope.amplitude = number("attention_factor", 0.1 * std::log(factor) + 1);
}

/// Both spellings: `rope_parameters` {rope_theta, rope_type, partial_rotary_factor, ...}, or these
/// beside `rope_scaling` {type, ...}; the oldest names are GPT-NeoX's.
void read_rope(const Json& json, const std::string& where, double usual_share, Config& config) {
  const Json parameters = member_or<Json>(json, "rope_parameters", Json::object(), where);
  const Json scaling = parameters.empty()
                           ? member_or<Json>(json, "rope_scaling", Json::object(), where)
                           : parameters;
  const auto number = [&](const char* key, const char* old_key, double fallback) {
    const auto outside = member_or<double>(json, old_key, fallback, where);
    return member_or<double>(scaling, key, member_or<double>(json, key, outside, where), where);
  };
  config.rope_theta = number("rope_theta", "rotary_emb_base", 10000);
  require(config.rope_theta > 0, "config", where + ": rope_theta is not positive");
  const double share = number("partial_rotary_factor", "rotary_pct", usual_share);
  config.rotary_dimension =
      share > 0 && share <= 1
          ? static_cast<std::int64_t>(static_cast<double>(config.head_dimension) * share)
          : 0;
  require(config.rotary_dimension > 0 && config.rotary_dimension % 2 == 0, "config",
          where + ": a rotary share of " + std::to_string(share) + " of " +
              std::to_string(config.head_dimension) +
              " dimensions is not a positive even number of them");
  const auto old_spelling = member_or<std::string>(scaling, "type", "default", where);
  const auto kind = member_or<std::string>(scaling, "rope_type", old_spelling, where);
  if (kind == "llama3")
    return read_llama3(scaling, where, config);
  if (kind == "longrope" || kind == "su")
    return read_longrope(json, scaling, where, config);
  if (kind == "yarn")
    return read_yarn(json, scaling, where, config);
  require(kind == "default", "config",
          where + ": rope type \"" + kind +
              "\" is not supported; known: default, llama3, longrope, yarn");
}

} // namespace

Config read_decoder_config(const Json& json, const std::string& where, const DecoderHabits& usual) {
  Config config{.source = json};
  config.vocabulary = size_of(json, "vocab_size", where);
  config.hidden = size_of(json, "hidden_size", where);
  config.intermediate = size_of(json, "intermediate_size", where);
  config.layers = size_of(json, "num_hidden_layers", where, largest_count);
  config.heads = size_of(json, "num_attention_heads", where, largest_count);
  config.key_value_heads =
      member_or<std::int64_t>(json, "num_key_value_heads", config.heads, where);
  require(config.key_value_heads > 0 && config.heads % config.key_value_heads == 0, "config",
          where + ": " + std::to_string(config.heads) + " heads cannot share " +
              std::to_string(config.key_value_heads) + " key-value heads");
  config.head_dimension =
      member_or<std::int64_t>(json, "head_dim", config.hidden / config.heads, where);
  require(config.head_dimension > 0 && config.head_dimension % 2 == 0 &&
              config.head_dimension < largest_count,
          "config",
          where + ": head_dim " + std::to_string(config.head_dimension) +
              " is not a positive even number below " + std::to_string(largest_count));
  config.positions = member_or<std::int64_t>(json, "max_position_embeddings", 0, where);
  config.norm_epsilon = member_or<double>(json, usual.epsilon, usual.norm_epsilon, where);
  config.tied = member_or<bool>(json, "tie_word_embeddings", false, where);
  config.activation = member_or<std::string>(json, "hidden_act", usual.activations.front(), where);
  std::string known;
  for (const std::string& name : usual.activations)
    known += (known.empty() ? "" : ", ") + name;
  require(std::count(usual.activations.begin(), usual.activations.end(), config.activation) > 0,
          "config",
          where + ": activation \"" + config.activation + "\" is not supported; known: " + known);
  read_rope(json, where, usual.rotary_share, config);
  return config;
}

Config read_llama_config(const Json& json, const std::string& where) {
  Config config = read_decoder_config(json, where, {});
  config.family = "llama";
  return config;
}

void read_window(const Json& json, const std::string& where, std::int64_t fallback, Config& config,
                 std::int64_t first_layer) {
  const bool absent = !json.contains("sliding_window");
  if (absent ? fallback == 0 : json["sliding_window"].is_null())
    return;
  const auto window = member_or<std::int64_t>(json, "sliding_window", fallback, where);
  require(window > 0 && window < largest_size, "config",
          where + ": \"sliding_window\" is " + std::to_string(window) +
              "; write a number of tokens, or null for none");
  const auto types = member_or<Json>(json, "layer_types", nullptr, where);
  require(types.is_null() ||
              (types.is_array() && static_cast<std::int64_t>(types.size()) == config.layers),
          "config",
          where + ": \"layer_types\" is not a list of " + std::to_string(config.layers) +
              " types, one a layer");
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const Json type = !types.is_null()       ? types[layer]
                      : layer >= first_layer ? Json("sliding_attention")
                                             : Json("full_attention");
    require(type == "sliding_attention" || type == "full_attention", "config",
            where + ": layer type " + type.dump() +
                " is not supported; known: full_attention, sliding_attention");
    config.windows.push_back(type == "sliding_attention" ? window : 0);
  }
}

bool is_long(const Config& config, std::int64_t tokens) {
  return !config.long_rope.long_divisors.empty() &&
         static_cast<double>(tokens) > config.long_rope.original_positions;
}

std::int64_t window_of(const Config& config, std::int64_t layer) {
  return config.windows.empty() ? 0 : config.windows.at(layer);
}

std::vector<double> rope_frequencies(const Config& config, std::int64_t tokens) {
  const RopeScaling& s = config.rope_scaling;
  const std::int64_t dimension =
      config.rotary_dimension > 0 ? config.rotary_dimension : config.head_dimension;
  const std::vector<double>& divisors =
      is_long(config, tokens) ? config.long_rope.long_divisors : config.long_rope.short_divisors;
  std::vector<double> frequencies(dimension / 2);
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    double frequency =
        std::pow(config.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(dimension));
    if (s.factor > 1) {
      const double turns = s.original_positions * frequency / (2 * std::numbers::pi);
      const double share =
          (turns - s.low_frequency_factor) / (s.high_frequency_factor - s.low_frequency_factor);
      const double kept = std::clamp(share, 0.0, 1.0);
      frequency = kept * frequency + (1 - kept) * frequency / s.factor;
    }
    frequencies[i] = divisors.empty() ? frequency : frequency / divisors[i];
  }
  return frequencies;
}

} // namespace latticelens
