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

struct Config {
  std::string family;
  std::int64_t vocabulary = 0;
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t key_value_heads = 0;
  std::int64_t head_dimension = 0;
  std::int64_t positions = 0; // longest sequence it was made for; 0: not said
  double norm_epsilon = 1e-5;
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  bool tied = false; // the head is the embedding
  Json source;       // config.json as read, or made from GGUF metadata: what exports start from
};

/// Errors, naming `where`: a size that is missing, not positive or absurd, heads that do not
/// divide, an unsupported rope type or activation.
Config read_llama_config(const Json& json, const std::string& where);

/// Inverse frequencies of the rotary embedding, one for each pair of a head's dimensions, scaling
/// applied.
std::vector<double> rope_frequencies(const Config& config);

} // namespace latticelens
