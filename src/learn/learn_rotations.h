// Learning the rotations of a method: Cayley steps down the loss of the quantized model
// (SpinQuant, arXiv 2405.16406; blocks of the diagonal: BRQ_Spin, arXiv 2511.04214).
#pragma once
#include "quantize/request.h"
#include <filesystem>

namespace latticelens {

/// What request.method learns. `folder` gets after every step `learned.safetensors` (the state,
/// from which a killed run goes on to the same bytes) and `learning.jsonl` (a row a step: step,
/// loss, rate). Errors: a text shorter than a step, a loss or gradient that is not finite.
LearnedRotations learn_rotations(const QuantizeRequest& request,
                                 const std::filesystem::path& folder);

/// Those of a finished run. Error: the folder has none, or they do not belong to the method.
LearnedRotations read_learned_rotations(const QuantizeRequest& request,
                                        const std::filesystem::path& folder);

} // namespace latticelens
