// Places in a model where activations are taken.
#pragma once
#include "model/config.h"

namespace latticelens {

/// "block:6": the residual stream after six blocks, so block:0 is the embedding and the paper's
/// "layer 12" block:12 (hidden_states[12] in transformers).
struct ActivationSite {
  std::int64_t blocks = 0;
  bool operator==(const ActivationSite&) const = default;
};

/// Error: another word, more blocks than the model has; lists those that there are.
ActivationSite parse_site(const std::string& text, const Config& config);
std::string to_text(const ActivationSite& site);

} // namespace latticelens
