#include "learn/learn_rotations.h"

#include "core/error.h"
#include "core/progress.h"
#include "learn/learning_log.h"
#include "learn/learning_state.h"
#include "learn/lessons.h"
#include "learn/rotation_loss.h"

namespace latticelens {
namespace {

constexpr const char* state_name = "learned.safetensors";

/// Moves every matrix down `here`; returns the largest turn.
double take_step(LearningState& state, const RotationGradient& here, const LearnSpec& spec) {
  const CayleyStep step{.rate = rate_of(spec, state.steps), .momentum = spec.number("momentum")};
  double turn = 0;
  try {
    if (state.residual.matrices.defined())
      turn = descend(state.residual, here.gradient.residual, step);
    for (std::size_t layer = 0; layer < state.value_output.size(); ++layer)
      turn = std::max(turn,
                      descend(state.value_output[layer], here.gradient.value_output[layer], step));
  } catch (const Error& error) {
    stop_learning(spec, state.steps, error.what());
  }
  ++state.steps;
  return turn;
}

} // namespace

LearnedRotations learn_rotations(const QuantizeRequest& request,
                                 const std::filesystem::path& folder,
                                 const std::function<void(std::int64_t)>& each_step) {
  const LearnSpec& spec = *learning(request.method, "rotations");
  const LearningState start = first_state(request);
  LearningState state = read_state(folder / state_name, start).value_or(start);
  const std::int64_t steps = spec.count("steps");
  if (state.steps >= steps)
    return matrices_of(state);
  const Lessons lessons(request.calibration, spec, request.seed);
  const RotationLoss loss(request.model, request.method, request.seed);
  LearningLog log(folder, spec, state.steps);
  const auto hold_out = [&] {
    log.add_held_out(state.steps, loss.loss_at(matrices_of(state), lessons.held_out()));
  };
  if (log.empty())
    hold_out();
  Progress progress("learn rotations", "steps", steps, request.quiet);
  progress.skip(state.steps);
  while (state.steps < steps) {
    const double rate = rate_of(spec, state.steps);
    const RotationGradient here = loss.at(matrices_of(state), lessons.ids(state.steps));
    check_loss(spec, state.steps, here.loss);
    const double turn = take_step(state, here, spec);
    log.add_step(state.steps, here.loss, {{"rate", rate}, {"turn", turn}});
    if (state.steps == steps)
      hold_out();
    log.write();
    write_state(folder / state_name, state);
    progress.step(log.last_loss());
    if (each_step)
      each_step(state.steps);
  }
  progress.line(log.summary());
  return matrices_of(state);
}

LearnedRotations read_learned_rotations(const QuantizeRequest& request,
                                        const std::filesystem::path& folder) {
  const LearningState start = first_state(request);
  const auto state = read_state(folder / state_name, start);
  const std::int64_t steps = learning(request.method, "rotations")->count("steps");
  const bool all = state && state->steps == steps;
  require(all || steps == 0, "learn",
          (folder / state_name).string() + ": absent or not finished; it is needed to go through "
                                           "this run again");
  return matrices_of(state.value_or(start));
}

} // namespace latticelens
