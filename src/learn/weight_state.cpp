#include "learn/weight_state.h"

#include "core/error.h"
#include "core/files.h"
#include "core/words.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr std::string_view prefix = "step-", unfinished = ".unfinished";

std::filesystem::path file_of(const std::filesystem::path& folder, std::size_t layer) {
  return folder / ("layer-" + std::to_string(layer) + ".safetensors");
}

/// Calls `visit(name, tensor)` for everything that is stored of a layer.
template<class State, class Visit>
void for_each(State& state, std::size_t layer, const Visit& visit) {
  for (auto& [name, moments] : state.moments[layer]) {
    visit(name, state.blocks[layer].linears.at(name).weight);
    visit(name + ".first", moments.first);
    visit(name + ".second", moments.second);
  }
}

/// The folders of finished states, by step.
std::map<std::int64_t, std::filesystem::path> states_in(const std::filesystem::path& folder) {
  std::map<std::int64_t, std::filesystem::path> states;
  if (!std::filesystem::exists(folder))
    return states;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && !name.ends_with(unfinished))
      states[static_cast<std::int64_t>(parse_number(std::string_view(name).substr(prefix.size()),
                                                    "learn", entry.path().string()))] =
          entry.path();
  }
  return states;
}

} // namespace

WeightState weight_state(std::vector<Block> blocks, const Layout& layout) {
  WeightState state{.blocks = std::move(blocks)};
  for (const Block& block : state.blocks) {
    auto& moments = state.moments.emplace_back();
    for (const auto& [name, linear] : block.linears)
      if (in_a_stage(layout, name))
        moments[name] = no_moments_yet(linear.weight);
  }
  return state;
}

void write_state(const std::filesystem::path& folder, const WeightState& state) {
  const auto earlier = states_in(folder);
  const std::filesystem::path path = folder / (std::string(prefix) + std::to_string(state.steps));
  if (earlier.contains(state.steps))
    return;
  std::filesystem::path temporary = path;
  temporary += unfinished;
  std::filesystem::remove_all(temporary);
  make_directory(temporary);
  for (std::size_t layer = 0; layer < state.blocks.size(); ++layer) {
    std::vector<std::pair<std::string, Tensor>> tensors;
    for_each(state, layer, [&](const std::string& name, const Tensor& tensor) {
      tensors.emplace_back(name, tensor);
    });
    write_safetensors(file_of(temporary, layer), tensors);
  }
  std::filesystem::rename(temporary, path);
  for (const auto& [step, old] : earlier)
    std::filesystem::remove_all(old);
}

bool read_state(const std::filesystem::path& folder, WeightState& state) {
  const auto states = states_in(folder);
  if (states.empty())
    return false;
  const auto& [steps, path] = *states.rbegin();
  for (std::size_t layer = 0; layer < state.blocks.size(); ++layer) {
    const SafetensorsFile file(file_of(path, layer));
    for_each(state, layer, [&](const std::string& name, Tensor& tensor) {
      const Tensor loaded = file.load(name);
      require(loaded.sizes() == tensor.sizes() && loaded.scalar_type() == tensor.scalar_type(),
              "learn",
              file.path().string() + ": \"" + name + "\" does not fit the model; remove " +
                  folder.string() + " to learn anew");
      tensor = loaded.clone();
    });
  }
  state.steps = steps;
  return true;
}

} // namespace latticelens
