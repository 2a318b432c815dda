// Where training stands: enough to go on to the same bytes.
#pragma once
#include "pretrain/adam_w.h"
#include <filesystem>

namespace latticelens {

struct TrainingState {
  std::int64_t steps = 0; // done
  Network network;
  std::vector<AdamMoments> moments; // in the order of parameters_of
};

TrainingState first_state(const Recipe& recipe);

/// One safetensors file, renamed into place.
void write_state(const std::filesystem::path& path, TrainingState& state);

/// Reads it into a first state; false: there is no such file. Error: it is not a state of this
/// recipe.
bool read_state(const std::filesystem::path& path, TrainingState& state);

} // namespace latticelens
