#include "pretrain/training_state.h"

#include "core/error.h"
#include "core/words.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// Calls `visit(name, tensor)` for the parameters and both their moments.
template<class Visit>
void for_each(TrainingState& state, const Visit& visit) {
  const std::vector<Parameter> parameters = parameters_of(state.network);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    visit(parameters[i].name, *parameters[i].value);
    visit(parameters[i].name + ".first", state.moments[i].first);
    visit(parameters[i].name + ".second", state.moments[i].second);
  }
}

} // namespace

TrainingState first_state(const Recipe& recipe) {
  TrainingState state{.network = initial_network(recipe)};
  for (const Parameter& parameter : parameters_of(state.network))
    state.moments.push_back(no_moments_yet(*parameter.value));
  return state;
}

void write_state(const std::filesystem::path& path, TrainingState& state) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for_each(state, [&](const std::string& name, const Tensor& tensor) {
    tensors.emplace_back(name, tensor);
  });
  write_safetensors(path, tensors, {{"format", "pt"}, {"steps", std::to_string(state.steps)}});
}

bool read_state(const std::filesystem::path& path, TrainingState& state) {
  if (!std::filesystem::exists(path))
    return false;
  const SafetensorsFile file(path);
  const auto refuse = [&](bool good, const std::string& why) {
    require(good, "pretrain",
            path.string() + ": " + why + "; remove the file to train from the first step on");
  };
  const auto steps = file.metadata().find("steps");
  refuse(steps != file.metadata().end(), "does not say how many steps made it");
  state.steps =
      static_cast<std::int64_t>(parse_number(steps->second, "pretrain", path.string() + ": steps"));
  for_each(state, [&](const std::string& name, Tensor& tensor) {
    const Tensor loaded = file.load(name);
    refuse(loaded.sizes() == tensor.sizes() && loaded.scalar_type() == at::kFloat,
           "\"" + name + "\" has another shape than this model's");
    tensor.copy_(loaded);
  });
  return true;
}

} // namespace latticelens
