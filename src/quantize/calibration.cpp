#include "quantize/calibration.h"

#include "core/error.h"
#include "model/attention.h"
#include "quantize/moments.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr std::int64_t largest_kept = std::int64_t{1} << 30; // bytes of results between two stages

Tensor as_float(const Tensor& x) {
  return x.defined() ? x.to(at::kFloat) : x;
}

} // namespace

CalibrationStream::CalibrationStream(const Model& model, const Tensor& embedding,
                                     const std::vector<Tensor>& windows, Storage storage)
    : model_(model), storage_(storage) {
  if (windows.empty())
    return;
  rope_ = make_rope(model.config, windows.front().numel());
  for (const Tensor& ids : windows)
    states_.push_back({store(embed(embedding, ids, model.config))});
}

Tensor CalibrationStream::store(const Tensor& x) const {
  return storage_ == Storage::bf16 && x.defined() ? x.to(at::kBFloat16) : x;
}

std::int64_t CalibrationStream::bytes() const {
  std::int64_t sum = 0;
  for (const State& state : states_)
    sum += static_cast<std::int64_t>(state.x.nbytes());
  return sum;
}

bool CalibrationStream::put_off(std::size_t s) const {
  const std::vector<Stage>& stages = model_.layout->stages;
  if (!stages[s].leaves_inner)
    return false;
  const std::int64_t tokens = static_cast<std::int64_t>(states_.size()) * states_.front().x.size(1);
  return tokens * shape_of(*model_.layout, stages[s + 1].linears.front()).in * 4 > largest_kept;
}

State CalibrationStream::ready(const Block& block, std::size_t s, const State& stored) const {
  State state{as_float(stored.x), as_float(stored.inner), as_float(stored.beside)};
  if (s == 0 || !put_off(s - 1))
    return state;
  const Stage& before = model_.layout->stages[s - 1];
  before.advance(block, stage_input(before, block, state, model_.config), rope_, model_.config,
                 state);
  state.inner = as_float(store(state.inner));
  return state;
}

Tensor CalibrationStream::input(const Block& block, std::size_t s, std::size_t window) const {
  return stage_input(model_.layout->stages[s], block, ready(block, s, states_[window]),
                     model_.config);
}

Tensor CalibrationStream::raw_input(const Block& block, std::size_t s, std::size_t window) const {
  return model_.layout->stages[s].input(block, ready(block, s, states_[window]), model_.config);
}

void CalibrationStream::advance(const Block& block, std::size_t s) {
  if (put_off(s))
    return;
  const Stage& stage = model_.layout->stages[s];
  for (State& stored : states_) {
    State state = ready(block, s, stored);
    stage.advance(block, stage_input(stage, block, state, model_.config), rope_, model_.config,
                  state);
    stored = {store(state.x), store(state.inner), store(state.beside)};
  }
}

void CalibrationStream::run(const Block& block) {
  for (std::size_t s = 0; s < model_.layout->stages.size() && !empty(); ++s)
    advance(block, s);
}

Tensor CalibrationStream::input_everywhere(const Block& block, std::size_t s,
                                           std::size_t window) const {
  const Stage& stage = model_.layout->stages[s];
  const State state{as_float(states_[window].x)};
  return prepared(block, stage.name, stage.everywhere(block, state, model_.config));
}

Tensor CalibrationStream::residual(std::size_t window) const {
  const State& state = states_[window];
  return state.beside.defined() ? as_float(state.x) + as_float(state.beside) : as_float(state.x);
}

namespace {

constexpr std::size_t held_out_period = 4;

bool held_out(std::size_t window) {
  return window % held_out_period == held_out_period - 1;
}

std::string place_of(const Walk& walk, const Stage& stage) {
  return block_prefix(walk.stream.model(), walk.block.layer) + stage.name;
}

Moments moments_everywhere(const Walk& walk, std::size_t s, std::int64_t width) {
  MomentsCollector collector(width);
  for (std::size_t window = 0; window < walk.stream.windows(); ++window)
    collector.add(walk.stream.input_everywhere(walk.block, s, window), {}, {}, held_out(window));
  return collector.finish(place_of(walk, walk.stream.model().layout->stages[s]));
}

} // namespace

StageMoments collect_moments(const Walk& walk, std::size_t s, const Walk* original, bool with_drift,
                             const Importance* importance) {
  const Stage& stage = walk.stream.model().layout->stages[s];
  const bool adds_to_stream = !stage.leaves_inner && stage.linears.size() == 1;
  const std::int64_t width = walk.block.linears.at(stage.linears.front()).weight.size(1);
  MomentsCollector collector(width);
  for (std::size_t window = 0; window < walk.stream.windows(); ++window) {
    const auto weighted = [&](const Tensor& x) {
      return importance ? x * importance->token_factors(place_of(walk, stage), window) : x;
    };
    Tensor wanted, drift;
    if (original) {
      wanted = weighted(original->stream.input(original->block, s, window));
      if (with_drift && adds_to_stream)
        drift = weighted(original->stream.residual(window) - walk.stream.residual(window));
    }
    collector.add(weighted(walk.stream.input(walk.block, s, window)), wanted, drift,
                  held_out(window));
  }
  if (stage.everywhere && collector.samples() < width)
    return {moments_everywhere(walk, s, width), collector.samples(), true};
  return {collector.finish(place_of(walk, stage)), collector.samples()};
}

} // namespace latticelens
