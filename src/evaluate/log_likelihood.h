// How likely a model finds continuations.
#pragma once
#include "evaluate/request_rows.h"
#include <functional>

namespace latticelens {

struct RequestScore {
  double log_likelihood = 0; // sum over the continuation's tokens
  bool greedy = true;        // every token is the most likely one
  std::vector<double> token_log_probabilities;
};

using ItemScores = std::vector<RequestScore>; // one a request

/// Scores of all requests; the same numbers at any thread count and in any company of other items.
/// `progress` after each block of each part of the rows, and after each batch's predictions.
std::vector<ItemScores> score(const Model& model, const std::vector<TokenItem>& items,
                              const RowOptions& options = {},
                              const std::function<void()>& progress = {});

/// How often `progress` is called.
std::int64_t scoring_steps(const Model& model, const std::vector<TokenItem>& items,
                           const RowOptions& options = {});

} // namespace latticelens
