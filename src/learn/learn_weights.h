// Learning the weights that a method rounds afterwards (quantization-aware distillation: Liu et
// al., LLM-QAT, arXiv 2305.17888; on the calibration text).
#pragma once
#include "learn/weight_descent.h"
#include "quantize/learned_weights.h"

namespace latticelens {

/// What request.method learns, in `folder`/learned. Errors: those of descend. `each_step` is that
/// of WeightDescent.
LearnedWeights learn_weights(const QuantizeRequest& request, const std::filesystem::path& folder,
                             const EachStep& each_step = {});

/// Those of a finished run. Error: the folder has none.
LearnedWeights read_learned_weights(const QuantizeRequest& request,
                                    const std::filesystem::path& folder);

/// The original's block, folded and with its activations' quantizers: where learning starts.
Block folded_to_learn(const QuantizeRequest& request, const Rotations& rotations,
                      std::int64_t layer);

} // namespace latticelens
