// Which token comes next.
#pragma once
#include "core/random.h"
#include "tensor/tensor.h"
#include <cstdint>

namespace latticelens {

struct Sampling {
  double temperature = 0; // 0: the likeliest token; else logits are divided by it
  std::int64_t top_k = 0; // only the k likeliest; 0: all
  double top_p = 1;       // only the likeliest whose probabilities reach p together
};

/// Error: a temperature below zero, a top_k below zero, a top_p outside (0, 1].
void check_sampling(const Sampling& sampling);

/// A token of logits [vocabulary], of equal ones the first. Error: a logit that is NaN, or none
/// that is finite.
std::int64_t choose_token(const Tensor& logits, const Sampling& sampling, Random& random);

} // namespace latticelens
