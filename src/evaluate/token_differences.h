// The places of a text where two models differ most.
#pragma once
#include "evaluate/language_model.h"

namespace latticelens {

struct TokenDifference {
  std::int64_t window = 0, position = 0; // of the token that is predicted, in its window
  double kl = 0;                         // KL(original || model) before it, nats
  double loss = 0, original_loss = 0;    // of the token that stands there, nats
  TokenId token = 0, likeliest = 0, original_likeliest = 0;
};

/// Keeps the `count` positions with the largest divergence, of equal ones the earlier.
class LargestDifferences {
 public:
  explicit LargestDifferences(std::int64_t count) : count_(count) {}
  void add(const Positions& positions, const TokenWindows& windows);
  /// The largest first.
  const std::vector<TokenDifference>& sorted() const { return kept_; }

 private:
  std::int64_t count_;
  std::vector<TokenDifference> kept_;
};

} // namespace latticelens
