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

/// Moves every matrix; returns what is said of the step.
Json take_step(LearningState& state, const RotationLoss& loss, const Tensor& ids,
               const CayleyStep& step) {
  const RotationGradient here = loss.at(matrices_of(state), ids);
  if (!std::isfinite(here.loss))
    stop(state.steps, step.rate, "the loss is not finite");
  double turn = 0;
  try {
    if (state.residual.matrices.defined())
      turn = descend(state.residual, here.gradient.residual, step);
    for (std::size_t layer = 0; layer < state.value_output.size(); ++layer)
      turn = std::max(turn,
                      descend(state.value_output[layer], here.gradient.value_output[layer], step));
  } catch (const Error& error) {
    stop(state.steps, step.rate, error.what());
  }
  ++state.steps;
  return {{"step", state.steps}, {"loss", here.loss}, {"rate", step.rate}, {"turn", turn}};
}

Json held_out_row(const LearningState& state, const RotationLoss& loss, const Tensor& ids) {
  const double value = loss.loss_at(matrices_of(state), ids);
  if (!std::isfinite(value))
    stop(state.steps, 0, "the loss is not finite");
  return {{"step", state.steps}, {"held_out_loss", value}};
}

std::string loss_text(const Json& row, const char* member_name) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", row[member_name].get<double>());
  return text;
}

/// Those of the steps that the state has seen.
std::vector<Json> rows_before(const std::filesystem::path& path, const LearningState& state) {
  std::vector<Json> rows;
  for (const Json& row : read_lines(path))
    if (member<std::int64_t>(row, "step", rows_name) <= state.steps)
      rows.push_back(row);
  return rows;
}

} // namespace

LearnedRotations learn_rotations(const QuantizeRequest& request,
                                 const std::filesystem::path& folder,
                                 const std::function<void(std::int64_t)>& each_step) {
  const LearnSpec& spec = *request.method.learn;
  const LearningState start = first_state(request);
  LearningState state = read_state(folder / state_name, start).value_or(start);
  const std::int64_t steps = spec.count("steps");
  if (state.steps >= steps)
    return matrices_of(state);
  const Lessons lessons(request.calibration, spec.count("tokens"), request.seed);
  const RotationLoss loss(request.model, request.method, request.seed);
  std::vector<Json> rows = rows_before(folder / rows_name, state);
  if (rows.empty())
    rows.push_back(held_out_row(state, loss, lessons.held_out()));
  Progress progress("learn rotations", steps, request.quiet);
  progress.skip(state.steps);
  while (state.steps < steps) {
    const CayleyStep step{.rate = rate_of(spec, state.steps), .momentum = spec.number("momentum")};
    rows.push_back(take_step(state, loss, lessons.ids(state.steps), step));
    const std::string said = "loss " + loss_text(rows.back(), "loss");
    if (state.steps == steps)
      rows.push_back(held_out_row(state, loss, lessons.held_out()));
    write_rows(folder / rows_name, rows);
    write_state(folder / state_name, state);
    progress.step(said);
    if (each_step)
      each_step(state.steps);
  }
  progress.line("loss on tokens held out: " + loss_text(rows.front(), "held_out_loss") +
                " before learning, " + loss_text(rows.back(), "held_out_loss") + " after");
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
