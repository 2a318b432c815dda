#include "learn/learning_state.h"

#include "core/error.h"
#include "core/words.h"
#include "tensor/safetensors.h"
#include "transforms/orthogonal.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

OrthogonalStack start_at(const Transform& transform, const TransformSpec& spec,
                         std::int64_t width) {
  return orthogonal_stack(matrices_of(transform, spec.size > 0 ? spec.size : width, width));
}

/// Calls `visit(name, stack)` for every stack there is.
template<class State, class Visit>
void for_each(State& state, const Visit& visit) {
  if (state.residual.matrices.defined())
    visit("residual", state.residual);
  for (std::size_t layer = 0; layer < state.value_output.size(); ++layer)
    visit("value_output." + std::to_string(layer), state.value_output[layer]);
}

Tensor load(const SafetensorsFile& file, const std::string& name, const Tensor& like) {
  const Tensor loaded = file.load(name).clone();
  require(loaded.sizes() == like.sizes() && loaded.scalar_type() == at::kDouble, "learn",
          file.path().string() + ": \"" + name +
              "\" has another shape than this method's rotations; remove the file to learn anew");
  return loaded;
}

} // namespace

LearningState first_state(const QuantizeRequest& request) {
  const Config& config = request.model.config;
  const Rotations drawn = make_rotations(request.method.transforms, config, request.seed);
  LearningState state;
  if (drawn.residual)
    state.residual =
        start_at(*drawn.residual, *transform_at(request.method, Site::residual), config.hidden);
  for (const LayerRotations& layer : drawn.layers)
    if (!layer.value_output.empty())
      state.value_output.push_back(start_at(*layer.value_output.front(),
                                            *transform_at(request.method, Site::value_output),
                                            config.head_dimension));
  return state;
}

LearnedRotations matrices_of(const LearningState& state) {
  LearnedRotations matrices{state.residual.matrices, {}};
  for (const OrthogonalStack& stack : state.value_output)
    matrices.value_output.push_back(stack.matrices);
  return matrices;
}

void write_state(const std::filesystem::path& path, const LearningState& state) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for_each(state, [&](const std::string& name, const OrthogonalStack& stack) {
    tensors.emplace_back(name, stack.matrices);
    tensors.emplace_back(name + ".velocity", stack.velocity);
  });
  write_safetensors(path, tensors, {{"format", "pt"}, {"steps", std::to_string(state.steps)}});
}

std::optional<LearningState> read_state(const std::filesystem::path& path,
                                        const LearningState& like) {
  if (!std::filesystem::exists(path))
    return std::nullopt;
  const SafetensorsFile file(path);
  const auto steps = file.metadata().find("steps");
  require(steps != file.metadata().end(), "learn",
          path.string() + ": does not say how many steps made it; remove it to learn anew");
  LearningState state = like;
  state.steps =
      static_cast<std::int64_t>(parse_number(steps->second, "learn", path.string() + ": steps"));
  for_each(state, [&](const std::string& name, OrthogonalStack& stack) {
    stack = orthogonal_stack(load(file, name, stack.matrices));
    stack.velocity = load(file, name + ".velocity", stack.velocity);
  });
  return state;
}

} // namespace latticelens
