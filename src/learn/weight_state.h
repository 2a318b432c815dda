// Where learning of weights stands: enough to go on to the same bytes.
#pragma once
#include "model/model.h"
#include "tensor/adam.h"
#include <filesystem>
#include <map>
#include <vector>

namespace latticelens {

struct WeightState {
  std::int64_t steps = 0;    // done
  std::vector<Block> blocks; // folded; the weights that stages read are learned
  std::vector<std::map<std::string, AdamMoments>> moments; // of each block, by linear
};

/// No step done. The moments are zeros.
WeightState weight_state(std::vector<Block> blocks, const Layout& layout);

/// Writes `folder`/step-N, whole or not at all, then removes those of earlier steps.
void write_state(const std::filesystem::path& folder, const WeightState& state);

/// Goes on from the last one that was written; false when there is none. Errors: files that lack a
/// tensor or have another shape.
bool read_state(const std::filesystem::path& folder, WeightState& state);

} // namespace latticelens
