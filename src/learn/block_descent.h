// Adam's steps down one block's error.
#pragma once
#include "learn/block_parameters.h"
#include "learn/lessons.h"

namespace latticelens {

/// What goes into the block on the quantized model's way, and what the original's block gives on
/// its own: [1, t, d] for each part of the text.
struct BlockLessons {
  const Lessons& text;
  const std::vector<Tensor>& inputs;
  const std::vector<Tensor>& targets;
};

/// Mean squared error of a block's outputs on those parts.
double block_error(const Model& model, const Block& block, const BlockLessons& lessons,
                   const std::vector<std::int64_t>& parts);

/// Parameters after the steps that request.method learns in. `folded` as for quantized_block.
/// Error: a loss or gradient that is not finite.
BlockParameters descend(const QuantizeRequest& request, const Block& folded,
                        const BlockLessons& lessons, BlockParameters start);

} // namespace latticelens
