// A model's own continuation of a text, one token after the other.
#pragma once
#include "evaluate/sampling.h"
#include "model/decoding.h"
#include "text/tokenizer.h"
#include <set>

namespace latticelens {

struct GenerationRequest {
  std::vector<TokenId> prompt; // not empty
  std::int64_t tokens = 128;   // at most
  std::set<TokenId> ends;      // tokens that end the text
  Sampling sampling;
  std::uint64_t seed = 0;
};

struct Generation {
  std::vector<TokenId> ids;                // without the token that ended it
  bool ended = false;                      // by one of `ends`
  double prefill_seconds = 0, seconds = 0; // of reading the prompt, and of all that followed
};

/// Continues the prompt in a decoding that has read nothing. `each(id)` is called with every token
/// as soon as it is chosen. Errors: an empty prompt; those of choose_token and of a full cache.
Generation generate(Decoding& decoding, const GenerationRequest& request,
                    const std::function<void(TokenId)>& each = {});

/// The tokens that a model's files name as ends of a text: generation_config.json, else
/// config.json's or the .gguf's eos_token_id. Error: another type than a number or a list of them.
std::set<TokenId> end_tokens(const Model& model);

} // namespace latticelens
