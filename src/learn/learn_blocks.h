// Learning clipping and equivalent scales block by block (Shao et al., "OmniQuant", arXiv
// 2308.13137), so that rounding to nearest afterwards keeps what was learned.
#pragma once
#include "quantize/request.h"
#include <filesystem>
#include <functional>

namespace latticelens {

/// What request.method learns, in `folder`/learned: of every block the weights as rounded, norms
/// and biases. A block is finished when its file is there; a killed run goes on after those, to the
/// same bytes. learning.jsonl gets a row a block. `each_block` is called after a block that was
/// learned. Errors: a text shorter than two steps, a loss or gradient that is not finite. Memory:
/// two streams of the text in fp32, and one block's graph.
LearnedWeights learn_blocks(const QuantizeRequest& request, const std::filesystem::path& folder,
                            const std::function<void(std::int64_t layer)>& each_block = {});

} // namespace latticelens
