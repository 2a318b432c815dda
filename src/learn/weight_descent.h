// Adam's steps down the loss of a quantized model, on the weights that are rounded in it.
#pragma once
#include "learn/learning_log.h"
#include "learn/weight_loss.h"
#include "quantize/request.h"

namespace latticelens {

/// What follows a step; when it returns true, the state is written.
using EachStep = std::function<bool(std::int64_t steps)>;

struct WeightDescent {
  const QuantizeRequest& request; // its text and seed
  const LearnSpec& spec;
  const WeightLoss& loss;
  std::filesystem::path folder; // of the run
  EachStep each_step = {};
};

/// The blocks after all steps. `folder` gets `learning.jsonl` and, at
/// the end and every few minutes, `learning/`: the state, from which a killed run goes on to the
/// same bytes; it is the caller's to remove once the blocks are in safety. Errors: a text shorter
/// than two steps, a loss that is not finite. Memory: 16 bytes a weight.
std::vector<Block> descend(const WeightDescent& descent, std::vector<Block> start);

void remove_state(const std::filesystem::path& folder);

} // namespace latticelens
