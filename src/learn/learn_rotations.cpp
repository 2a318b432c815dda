#include "learn/learn_rotations.h"

#include "core/error.h"
#include "core/progress.h"
#include "core/run_directory.h"
#include "core/words.h"
#include "learn/learning_state.h"
#include "learn/lessons.h"
#include "learn/rotation_loss.h"
#include <ATen/ATen.h>
#include <cmath>
#include <cstdio>
#include <numbers>

namespace latticelens {
namespace {

constexpr const char* state_name = "learned.safetensors";
constexpr const char* rows_name = "learning.jsonl";

/// The rate of a step: a cosine from the first one's to zero.
double rate_of(const LearnSpec& spec, std::int64_t step) {
  const double done = static_cast<double>(step) / spec.number("steps");
  return spec.number("rate") * (1 + std::cos(std::numbers::pi * done)) / 2;
}

void write_rows(const std::filesystem::path& path, const std::vector<Json>& rows) {
  std::string text;
  for (const Json& row : rows)
    text += to_text(row) + "\n";
  write_text(path, text);
}

[[noreturn]] void stop(std::int64_t step, double rate, const std::string& what) {
  throw Error("learn", "step " + std::to_string(step + 1) + " at rate " + shortest(rate) + ": " +
                           what +
                           "; give a lower rate: learn=rotations:rate=" + shortest(rate / 10));
}

/// Moves every matrix; returns the loss before.
double take_step(LearningState& state, const RotationLoss& loss, const Tensor& ids,
                 const CayleyStep& step) {
  const RotationGradient here = loss.at(matrices_of(state), ids);
  if (!std::isfinite(here.loss))
    stop(state.steps, step.rate, "the loss is not finite");
  try {
    if (state.residual.matrices.defined())
      descend(state.residual, here.gradient.residual, step);
    for (std::size_t layer = 0; layer < state.value_output.size(); ++layer)
      descend(state.value_output[layer], here.gradient.value_output[layer], step);
  } catch (const Error& error) {
    stop(state.steps, step.rate, error.what());
  }
  ++state.steps;
  return here.loss;
}

std::string loss_text(double loss) {
  char text[32];
  std::snprintf(text, sizeof text, "loss %.4f", loss);
  return text;
}

} // namespace

LearnedRotations learn_rotations(const QuantizeRequest& request,
                                 const std::filesystem::path& folder) {
  const LearnSpec& spec = *request.method.learn;
  const LearningState start = first_state(request);
  LearningState state = read_state(folder / state_name, start).value_or(start);
  const std::int64_t steps = spec.count("steps");
  if (state.steps >= steps)
    return matrices_of(state);
  const Lessons lessons(request.calibration, spec.count("tokens"), request.seed);
  const RotationLoss loss(request.model, request.method, request.seed);
  std::vector<Json> rows = read_lines(folder / rows_name);
  rows.resize(std::min<std::size_t>(rows.size(), state.steps)); // a row may be ahead of the state
  Progress progress("learn rotations", steps, request.quiet);
  progress.skip(state.steps);
  while (state.steps < steps) {
    const CayleyStep step{.rate = rate_of(spec, state.steps), .momentum = spec.number("momentum")};
    const double before = take_step(state, loss, lessons.ids(state.steps), step);
    rows.push_back({{"step", state.steps}, {"loss", before}, {"rate", step.rate}});
    write_rows(folder / rows_name, rows);
    write_state(folder / state_name, state);
    progress.step(loss_text(before));
  }
  return matrices_of(state);
}

LearnedRotations read_learned_rotations(const QuantizeRequest& request,
                                        const std::filesystem::path& folder) {
  const LearningState start = first_state(request);
  const auto state = read_state(folder / state_name, start);
  const bool all = state && state->steps == request.method.learn->count("steps");
  require(all || request.method.learn->count("steps") == 0, "learn",
          (folder / state_name).string() + ": absent or not finished; it is needed to go through "
                                           "this run again");
  return matrices_of(state.value_or(start));
}

} // namespace latticelens
