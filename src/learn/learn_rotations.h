// Learning the rotations of a method: Cayley steps down the loss of the quantized model
// (SpinQuant, arXiv 2405.16406; blocks of the diagonal: BRQ_Spin, arXiv 2511.04214).
#pragma once
#include "quantize/request.h"
#include <filesystem>
#include <functional>

namespace latticelens {

/// What request.method learns. `folder` gets after every step `learned.safetensors` (the state,
/// from which a killed run goes on to the same bytes) and `learning.jsonl` (a row a step: its loss
/// before, the rate, the largest turn; before the first and after the last the loss on tokens held
/// out). Errors: a text shorter than two steps, a loss or gradient that is not finite.
/// `each_step(steps)` follows every step, after the files are written.
LearnedRotations learn_rotations(const QuantizeRequest& request,
                                 const std::filesystem::path& folder,
                                 const std::function<void(std::int64_t)>& each_step = {});

/// Those of a finished run. Error: the folder has none, or they do not belong to the method.
LearnedRotations read_learned_rotations(const QuantizeRequest& request,
                                        const std::filesystem::path& folder);

} // namespace latticelens
