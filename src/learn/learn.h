// What a method learns before anything is rounded.
#pragma once
#include "core/run_directory.h"
#include "quantize/request.h"
#include <filesystem>

namespace latticelens {

/// Learns what request.method says, if anything, and puts it into the request. Errors: those of
/// learn_rotations, learn_weights and learn_blocks.
void learn(QuantizeRequest& request, const std::filesystem::path& folder);

/// Learns what is learned of a model that is rounded. Errors: those of learn_codes.
void learn_rounded(const QuantizeRequest& request, RunDirectory& run);

/// What learn() found, out of a finished run's folder. Error: it has none.
void read_learned(QuantizeRequest& request, const std::filesystem::path& folder);

} // namespace latticelens
