#include "learn/weight_descent.h"

#include "core/progress.h"
#include "learn/lessons.h"
#include "learn/weight_state.h"
#include "tensor/adam.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>

namespace latticelens {
namespace {

constexpr double seconds_between_states = 300;
constexpr double share_of_warm_up = 0.05;

/// The usual schedule of such training: up along a line, down along a cosine.
double weight_rate(const LearnSpec& spec, std::int64_t step) {
  const double warm_up = std::max(1.0, std::round(share_of_warm_up * spec.number("steps")));
  return rate_of(spec, step) * std::min(1.0, static_cast<double>(step + 1) / warm_up);
}

/// By how much a weight may move in a step is a share of its root mean square.
void move(Tensor& weight, AdamMoments& moments, const Tensor& gradient, double rate,
          std::int64_t step) {
  const double size = std::sqrt(weight.square().sum(1).sum(at::kDouble).item<double>() /
                                static_cast<double>(weight.numel()));
  adam_update({.rate = rate * size, .step = step}, gradient, weight, moments);
}

double take_step(const WeightDescent& descent, const Tensor& ids, WeightState& state) {
  const double rate = weight_rate(descent.spec, state.steps);
  return descent.loss.gradient_at(
      state.blocks, ids,
      [&](std::int64_t layer, const std::string& linear, const Tensor& gradient) {
        move(state.blocks[layer].linears.at(linear).weight, state.moments[layer].at(linear),
             gradient, rate, state.steps + 1);
      });
}

std::filesystem::path states_in(const std::filesystem::path& folder) {
  return folder / "learning";
}

} // namespace

std::vector<Block> descend(const WeightDescent& descent, std::vector<Block> start) {
  const QuantizeRequest& request = descent.request;
  const LearnSpec& spec = descent.spec;
  const std::int64_t steps = spec.count("steps");
  const Lessons lessons(request.calibration, spec, request.seed);
  WeightState state = weight_state(std::move(start), *request.model.layout);
  const std::filesystem::path states = states_in(descent.folder);
  read_state(states, state);
  LearningLog log(descent.folder, spec, state.steps);
  const auto hold_out = [&] {
    log.add_held_out(state.steps, descent.loss.at(state.blocks, lessons.held_out()));
    log.write();
  };
  if (log.empty())
    hold_out();
  Progress progress("learn " + spec.name, "steps", steps, request.quiet);
  progress.skip(state.steps);
  Stopwatch since;
  while (state.steps < steps) {
    const double rate = weight_rate(spec, state.steps),
                 loss = take_step(descent, lessons.ids(state.steps), state);
    check_loss(spec, state.steps, loss);
    log.add_step(++state.steps, loss, {{"rate", rate}});
    log.write();
    progress.step(log.last_loss());
    const bool asked = descent.each_step && descent.each_step(state.steps);
    if (asked || state.steps == steps || since.seconds() > seconds_between_states) {
      write_state(states, state);
      since = {};
    }
  }
  if (!log.complete(steps))
    hold_out();
  progress.line(log.summary());
  return std::move(state.blocks);
}

void remove_state(const std::filesystem::path& folder) {
  std::filesystem::remove_all(states_in(folder));
}

} // namespace latticelens
