// Learning the weights that a method rounds: Adam's steps down the divergence of the quantized
// model from the original, quantizers straight through (quantization-aware distillation: Liu et
// al., LLM-QAT, arXiv 2305.17888; on the calibration text instead of a training set).
#pragma once
#include "quantize/learned_weights.h"
#include "quantize/request.h"
#include <filesystem>
#include <functional>

namespace latticelens {

/// What request.method learns. `folder` gets `learning.jsonl` (a row a step), `learning/` (the
/// state, written every few minutes, from which a killed run goes on to the same bytes) and in the
/// end `learned/` instead. Errors: a text shorter than two steps, a loss that is not finite, a
/// transform that is chosen while blocks are rounded. Memory: 16 bytes a weight.
/// `each_step(steps)` follows every step; when it returns true, the state is written.
LearnedWeights learn_weights(const QuantizeRequest& request, const std::filesystem::path& folder,
                             const std::function<bool(std::int64_t)>& each_step = {});

/// Those of a finished run. Error: the folder has none.
LearnedWeights read_learned_weights(const QuantizeRequest& request,
                                    const std::filesystem::path& folder);

} // namespace latticelens
