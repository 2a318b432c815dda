#include "learn/learn_weights.h"

#include "core/error.h"
#include "core/progress.h"
#include "kernels/adam.h"
#include "learn/learning_log.h"
#include "learn/lessons.h"
#include "learn/weight_loss.h"
#include "learn/weight_state.h"
#include "quantize/choose_rotations.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>

namespace latticelens {
namespace {

constexpr double seconds_between_states = 300;
constexpr double share_of_warm_up = 0.05;

/// The published schedule of such training: up along a line, down along a cosine.
double weight_rate(const LearnSpec& spec, std::int64_t step) {
  const double warm_up = std::max(1.0, std::round(share_of_warm_up * spec.number("steps")));
  return rate_of(spec, step) * std::min(1.0, static_cast<double>(step + 1) / warm_up);
}

template<class T>
std::span<T> part(Tensor& tensor, std::int64_t begin, std::int64_t end) {
  return {tensor.mutable_data_ptr<T>() + begin, static_cast<std::size_t>(end - begin)};
}

/// By how much a weight may move in a step is a share of its root mean square.
void move(Tensor& weight, WeightMoments& moments, const Tensor& gradient, double rate,
          std::int64_t step) {
  const Tensor g = gradient.contiguous();
  const double size = std::sqrt(weight.square().sum(1).sum(at::kDouble).item<double>() /
                                static_cast<double>(weight.numel()));
  const AdamStep adam{.rate = rate * size, .step = step};
  constexpr std::int64_t at_once = 1 << 16;
  at::parallel_for(0, weight.numel(), at_once, [&](std::int64_t begin, std::int64_t end) {
    adam_update(adam, {g.const_data_ptr<float>() + begin, static_cast<std::size_t>(end - begin)},
                part<float>(weight, begin, end), part<float>(moments.first, begin, end),
                part<float>(moments.second, begin, end));
  });
}

WeightState first_state(const WeightLoss& loss, const Model& model) {
  std::vector<Block> blocks;
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    blocks.push_back(loss.folded(layer));
  return weight_state(std::move(blocks), *model.layout);
}

bool all_written(const LearnedWeights& learned, const Model& model) {
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    if (!learned.has(layer))
      return false;
  return true;
}

LearnedWeights weights_in(const std::filesystem::path& folder) {
  return LearnedWeights(folder / "learned");
}

} // namespace

LearnedWeights learn_weights(const QuantizeRequest& request, const std::filesystem::path& folder,
                             const std::function<bool(std::int64_t)>& each_step) {
  const LearnSpec& spec = *request.method.learn;
  const LearnedWeights learned = weights_in(folder);
  if (all_written(learned, request.model))
    return learned;
  const Lessons lessons(request.calibration, spec, request.seed);
  TimeTable times;
  const Rotations rotations = choose_rotations(request, folder, times);
  const WeightLoss loss(request, rotations);
  WeightState state = first_state(loss, request.model);
  const std::filesystem::path states = folder / "learning";
  read_state(states, state);
  LearningLog log(folder, spec, state.steps);
  const auto hold_out = [&] {
    log.add_held_out(state.steps, loss.at(state.blocks, lessons.held_out()));
  };
  if (log.empty())
    hold_out();
  const std::int64_t steps = spec.count("steps");
  Progress progress("learn weights", steps, request.quiet);
  progress.skip(state.steps);
  Stopwatch since;
  while (state.steps < steps) {
    const double rate = weight_rate(spec, state.steps);
    const double value = loss.gradient_at(
        state.blocks, lessons.ids(state.steps),
        [&](std::int64_t layer, const std::string& linear, const Tensor& gradient) {
          move(state.blocks[layer].linears.at(linear).weight, state.moments[layer].at(linear),
               gradient, rate, state.steps + 1);
        });
    check_loss(spec, state.steps, value);
    log.add_step(++state.steps, value, {{"rate", rate}});
    log.write();
    progress.step(log.last_loss());
    const bool asked = each_step && each_step(state.steps);
    if (state.steps < steps && (asked || since.seconds() > seconds_between_states)) {
      write_state(states, state);
      since = {};
    }
  }
  hold_out();
  log.write();
  progress.line(log.summary());
  for (const Block& block : state.blocks)
    learned.write(block, *request.model.layout);
  std::filesystem::remove_all(states);
  return learned;
}

LearnedWeights read_learned_weights(const QuantizeRequest& request,
                                    const std::filesystem::path& folder) {
  const LearnedWeights learned = weights_in(folder);
  require(all_written(learned, request.model), "learn",
          (folder / "learned").string() +
              ": absent or not finished; it is needed to go through this run again");
  return learned;
}

} // namespace latticelens
