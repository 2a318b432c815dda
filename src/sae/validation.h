// What held-out activations say of trained autoencoders, and which learning rate they choose.
#pragma once
#include "core/json.h"
#include "sae/checkpoint_coders.h"

namespace latticelens {

/// Sets each coder's `validation`, and the threshold of those that need one. Errors: those of
/// SiteReader::read.
void validate(const SiteReader& reader, const std::vector<TextWindow>& windows,
              const std::function<std::string(std::int64_t)>& name_of,
              std::vector<TrainedCoder>& coders);

/// For every site, kind, size, k and seed the rate with the least fvu_dataset, and why: rows of the
/// coders' JSON with "site", "kind", "latents", "k", "seed", "learning_rate", "validation".
Json chosen_rates(const Json& coders);

} // namespace latticelens
