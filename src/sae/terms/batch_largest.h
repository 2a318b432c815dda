// The largest latents of a whole batch, from the largest of each input.
#pragma once
#include "sae/latent_search.h"

namespace latticelens {

/// How many latents of an input are looked at when `k` are active on average: no input has more.
std::int64_t batch_room(std::int64_t k, std::int64_t latents);

struct BatchLargest {
  Codes codes;         // the rest zero
  float threshold = 0; // the smallest value that stays
};

/// The k B largest values of the batch.
BatchLargest batch_largest(const Codes& largest, std::int64_t k);

} // namespace latticelens
