// What a series of checkpoints is made by: tokenizer, shape of the model, training.
#pragma once
#include "core/json.h"
#include "model/config.h"
#include <cstdint>
#include <string>

namespace latticelens {

struct Recipe {
  std::string tokenizer = "bpe"; // or "unigram"
  std::int64_t vocabulary = 8192;
  std::int64_t hidden = 256, layers = 8, heads = 8, key_value_heads = 4, intermediate = 688;
  std::int64_t window = 256;                      // tokens that see each other
  std::int64_t steps = 2000, batch_tokens = 2048; // of a step
  double rate = 2e-3;                             // at its highest
  double warm_up = 0.05;                          // share of the steps in which it rises
  std::int64_t every = 500; // steps between checkpoints, once powers of two are further apart
  std::uint64_t seed = 0;
};

/// Errors: numbers that no model or training can have, naming the option.
void check_recipe(const Recipe& recipe);

Json to_json(const Recipe& recipe);

/// config.json of the model: LLaMA's.
Json config_json(const Recipe& recipe);
Config config_of(const Recipe& recipe);

std::int64_t windows_a_step(const Recipe& recipe);

} // namespace latticelens
