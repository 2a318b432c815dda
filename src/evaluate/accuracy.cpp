#include "evaluate/accuracy.h"

#include "core/error.h"
#include <algorithm>
#include <cmath>

namespace latticelens {

std::size_t answer_of(const Item& item, const ItemScores& scores, bool normalized) {
  std::vector<double> values;
  for (std::size_t i = 0; i < scores.size(); ++i)
    values.push_back(scores[i].log_likelihood /
                     (normalized ? static_cast<double>(item.characters[i]) : 1.0));
  return std::max_element(values.begin(), values.end()) - values.begin();
}

std::vector<bool> right_answers(const std::vector<Item>& items,
                                const std::vector<ItemScores>& scores, bool normalized) {
  require(items.size() == scores.size(), "tasks", "as many items as scores are needed");
  std::vector<bool> right;
  for (std::size_t i = 0; i < items.size(); ++i)
    right.push_back(answer_of(items[i], scores[i], normalized) == items[i].label);
  return right;
}

Accuracy accuracy_of(const std::vector<bool>& right) {
  const auto n = static_cast<double>(right.size());
  const double value = static_cast<double>(std::count(right.begin(), right.end(), true)) / n;
  if (right.size() < 2)
    return {value, std::nullopt};
  return {value, std::sqrt(value * (1 - value) / (n - 1))};
}

Accuracy mean_of(const std::vector<Accuracy>& accuracies) {
  Accuracy mean{0, 0};
  const auto n = static_cast<double>(accuracies.size());
  double variance = 0;
  for (const Accuracy& accuracy : accuracies) {
    mean.value += accuracy.value / n;
    if (!accuracy.standard_error)
      mean.standard_error.reset();
    variance += std::pow(accuracy.standard_error.value_or(0) / n, 2);
  }
  if (mean.standard_error)
    mean.standard_error = std::sqrt(variance);
  return mean;
}

Flips flips_of(const std::vector<bool>& model, const std::vector<bool>& original) {
  require(model.size() == original.size(), "tasks", "both models need the same items");
  Flips flips;
  for (std::size_t i = 0; i < model.size(); ++i) {
    flips.lost += original[i] && !model[i];
    flips.gained += model[i] && !original[i];
  }
  return flips;
}

double mcnemar(const Flips& flips) {
  const auto n = static_cast<double>(flips.lost + flips.gained);
  double tail = 0; // of the binomial distribution, up to the smaller count
  for (std::int64_t k = 0; k <= std::min(flips.lost, flips.gained); ++k) {
    const auto x = static_cast<double>(k);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) -
                     n * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

} // namespace latticelens
