// Where learning stands: enough to go on to the same bytes.
#pragma once
#include "quantize/request.h"
#include "transforms/cayley.h"
#include <filesystem>
#include <optional>

namespace latticelens {

struct LearningState {
  std::int64_t steps = 0;   // done
  OrthogonalStack residual; // undefined where the method has no rotation at the site
  std::vector<OrthogonalStack> value_output; // of each layer; empty without the site
};

/// The rotations that the method would have without learning.
LearningState first_state(const QuantizeRequest& request);

LearnedRotations matrices_of(const LearningState& state);

/// All in one safetensors file, under a temporary name first.
void write_state(const std::filesystem::path& path, const LearningState& state);

/// Empty when there is no such file. Errors: shapes other than those of `like`, matrices that are
/// not orthogonal.
std::optional<LearningState> read_state(const std::filesystem::path& path,
                                        const LearningState& like);

} // namespace latticelens
