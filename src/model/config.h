// What a model's files say about its shape, in one struct for every family and file type.
#pragma once
#include "core/json.h"
#include <cstdint>
#include <string>
#include <vector>

namespace latticelens {

/// Scaling of the rotary frequencies as LLaMA 3.1 does it: long wavelengths are stretched by
/// `factor`.
struct RopeScaling {
  double factor = 1; // 1: none
  double low_frequency_factor = 1;
  double high_frequency_factor = 4;
  double original_positions = 8192;
};

/// Divisors of the rotary frequencies, one list for texts up to original_positions and one for
/// longer ones; the tables are scaled by `amplitude` (LongRoPE; YaRN has the first list for all
/// texts).
struct LongRope {
  std::vector<double> short_divisors, long_divisors; // empty: none
  double original_positions = 0;
  double amplitude = 1;
};

struct Config {
  std::string family;
  std::int64_t vocabulary = 0;
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t key_value_heads = 0;
  std::int64_t head_dimension = 0;
  std::int64_t rotary_dimension = 0; // of a head's dimensions, the first so many turn; 0: all
  std::int64_t positions = 0;        // longest sequence it was made for; 0: not said
  double norm_epsilon = 1e-5;
  std::string activation; // of the feed-forward part
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  LongRope long_rope;
  std::vector<std::int64_t> windows; // keys that a query of each layer sees; empty: all before it
  std::int64_t experts = 0, experts_per_token = 0;
  double gate_limit = 0, gate_slope = 0; // of experts whose gate is clamped (gpt-oss)
  bool layer_norm = false;               // norms subtract the mean
  bool attention_bias = false;           // where the family's files always say so
  bool parallel_residual = false;        // both halves of a block read the same stream
  bool tied = false;                     // the head is the embedding
  Json source; // config.json as read, or made from GGUF metadata: what exports start from
};

/// Where decoders differ in what config.json may say or leave out.
struct DecoderHabits {
  const char* epsilon = "rms_norm_eps";
  double norm_epsilon = 1e-6;
  std::vector<std::string> activations = {
      "silu"}; // that are supported; the first where none is said
  double rotary_share = 1;
};

/// Errors, naming `where`: a size that is missing, not positive or absurd, heads that do not
/// divide, an unsupported rope type or activation.
Config read_decoder_config(const Json& json, const std::string& where, const DecoderHabits& usual);
Config read_llama_config(const Json& json, const std::string& where);

/// "sliding_window" (`fallback` where it is absent; null or 0: none) for the layers that
/// "layer_types" names or, without it, for those from `first_layer` on.
void read_window(const Json& json, const std::string& where, std::int64_t fallback, Config& config,
                 std::int64_t first_layer = 0);

/// Whether a text of so many tokens takes the long divisors.
bool is_long(const Config& config, std::int64_t tokens);

/// How many keys a query of the layer sees, itself among them; 0: all before it.
std::int64_t window_of(const Config& config, std::int64_t layer);

/// Inverse frequencies of the rotary embedding for a text of so many tokens, one for each pair of a
/// head's rotated dimensions, scaling applied.
std::vector<double> rope_frequencies(const Config& config, std::int64_t tokens = 0);

} // namespace latticelens
