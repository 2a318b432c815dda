// The rotations of a run: drawn from its seed, or chosen from what the original model does with the
// calibration text.
#pragma once
#include "core/time_table.h"
#include "quantize/request.h"
#include "quantize/rotations.h"

namespace latticelens {

/// What calibration chooses is kept in `folder`/rotations.safetensors, and read from there when an
/// earlier call wrote it. Errors: a method that needs calibration text, and there is none; a file
/// that does not fit the model.
Rotations choose_rotations(const QuantizeRequest& request, const std::filesystem::path& folder,
                           TimeTable& times);

} // namespace latticelens
