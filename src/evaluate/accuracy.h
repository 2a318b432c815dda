// What items' scores say together: accuracies with standard errors, and whether two models differ.
#pragma once
#include "evaluate/log_likelihood.h"
#include <optional>

namespace latticelens {

/// Which choice wins: the largest log-likelihood, divided by the choices' characters if
/// `normalized`; of equal ones the first.
std::size_t answer_of(const Item& item, const ItemScores& scores, bool normalized);

/// For each item whether the answer is right.
std::vector<bool> right_answers(const std::vector<Item>& items,
                                const std::vector<ItemScores>& scores, bool normalized);

struct Accuracy {
  double value = 0;
  std::optional<double> standard_error; // of a mean over a sample; none for one item
};
Accuracy accuracy_of(const std::vector<bool>& right);

/// The mean of several tasks' accuracies, each counting the same; the tasks are independent.
Accuracy mean_of(const std::vector<Accuracy>& accuracies);

/// Items on which two models differ. Items that both answer alike say nothing about the difference.
struct Flips {
  std::int64_t lost = 0;   // only the original is right
  std::int64_t gained = 0; // only the model is right
};
Flips flips_of(const std::vector<bool>& model, const std::vector<bool>& original);

/// McNemar's exact test, two-sided: how likely flips as uneven as these, or more, would be if both
/// directions were equally likely.
double mcnemar(const Flips& flips);

} // namespace latticelens
