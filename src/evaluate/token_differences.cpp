#include "evaluate/token_differences.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {

void LargestDifferences::add(const Positions& at, const TokenWindows& windows) {
  const auto value = [](const Tensor& values, std::int64_t i) {
    return values.const_data_ptr<double>()[i];
  };
  const auto token = [](const Tensor& ids, std::int64_t i) {
    return static_cast<TokenId>(ids.const_data_ptr<std::int64_t>()[i]);
  };
  for (std::int64_t i = 0; i < at.loss.size(0); ++i) {
    const std::int64_t position = at.first + i + 1;
    kept_.push_back({.window = at.window,
                     .position = position,
                     .kl = value(at.kl, i),
                     .loss = value(at.loss, i),
                     .original_loss = value(at.original_loss, i),
                     .token = windows.ids.at(at.window * windows.length + position),
                     .likeliest = token(at.likeliest, i),
                     .original_likeliest = token(at.original_likeliest, i)});
  }
  std::stable_sort(kept_.begin(), kept_.end(),
                   [](const TokenDifference& a, const TokenDifference& b) { return a.kl > b.kl; });
  kept_.resize(std::min<std::size_t>(kept_.size(), static_cast<std::size_t>(count_)));
}

} // namespace latticelens
