#include "pretrain/schedule.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace latticelens {
namespace {

constexpr double lowest = 0.1; // of the highest rate

} // namespace

double learning_rate(const Recipe& recipe, std::int64_t steps) {
  const auto all = static_cast<double>(recipe.steps), done = static_cast<double>(steps);
  const double rising = std::round(recipe.warm_up * all);
  if (done < rising)
    return recipe.rate * (done + 1) / rising;
  const double share = (done - rising) / std::max(1.0, all - rising);
  return recipe.rate * (lowest + (1 - lowest) * (1 + std::cos(std::numbers::pi * share)) / 2);
}

bool is_checkpoint(const Recipe& recipe, std::int64_t steps) {
  if (steps == recipe.steps || steps % recipe.every == 0)
    return true;
  return steps < recipe.every && std::has_single_bit(static_cast<std::uint64_t>(steps));
}

} // namespace latticelens
