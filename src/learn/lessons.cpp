#include "learn/lessons.h"

#include "core/error.h"
#include "core/random.h"
#include "tensor/token_rows.h"
#include <ATen/ATen.h>
#include <numeric>

namespace latticelens {

std::vector<Tensor> chosen(const std::vector<Tensor>& tensors,
                           const std::vector<std::int64_t>& places) {
  std::vector<Tensor> some;
  for (const std::int64_t place : places)
    some.push_back(tensors[place]);
  return some;
}

Lessons::Lessons(const TokenWindows& text, const LearnSpec& spec, std::uint64_t seed)
    : seed_(seed) {
  const std::int64_t tokens = spec.count("tokens"), length = std::min(tokens, text.length);
  const std::string option = "learn=" + spec.name + ":tokens=" + std::to_string(tokens);
  require(2 * tokens <= text.count * text.length, "learn",
          option + ": the calibration text has " + std::to_string(text.count * text.length) +
              " tokens, a step and what judges it need twice as many as a step; give more "
              "--windows, or fewer tokens a step");
  require(tokens % length == 0, "learn",
          option + " are no whole windows of " + std::to_string(text.length));
  parts_ = token_rows(text.ids, length);
  parts_a_step_ = tokens / length;
}

std::vector<std::int64_t> Lessons::parts_of(std::int64_t step) const {
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < parts_a_step_; ++i)
    places.push_back(part(step * parts_a_step_ + i));
  return places;
}

std::vector<std::int64_t> Lessons::parts_held_out() const {
  std::vector<std::int64_t> last(parts_a_step_);
  std::iota(last.begin(), last.end(), static_cast<std::int64_t>(parts_.size()) - parts_a_step_);
  return last;
}

Tensor Lessons::ids(std::int64_t step) const {
  return at::stack(chosen(parts_, parts_of(step)));
}

Tensor Lessons::held_out() const {
  return at::stack(chosen(parts_, parts_held_out()));
}

/// The draw-th part of the sequence of shuffled passes over all parts.
std::int64_t Lessons::part(std::int64_t draw) const {
  const std::int64_t count = static_cast<std::int64_t>(parts_.size()) - parts_a_step_,
                     pass = draw / count;
  Random random(derived_seed(seed_, "lessons " + std::to_string(pass)));
  std::vector<std::int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t last = count; last > 1; --last)
    std::swap(order[last - 1],
              order[static_cast<std::int64_t>(random.uniform() * static_cast<double>(last))]);
  return order[draw % count];
}

} // namespace latticelens
