// A quantized model as an ordinary Hugging Face folder: dequantized weights, any program loads it.
#pragma once
#include "quantize/packed_model.h"
#include "tensor/sharded_writer.h"

namespace latticelens {

/// A block's tensors under their Hugging Face names: dequantized, its inputs' changes of basis
/// folded back.
NamedTensors plain_block(const OpenedModel& opened, std::int64_t layer);

/// The embedding, the last norm and, unless it is the embedding, the head.
NamedTensors plain_outer(const OpenedModel& opened);

struct PlainRequest {
  Storage storage = Storage::bf16;
  std::int64_t shard_size = default_shard_size; // bytes of tensors in a file at most
  bool exact = false;                           // refuse what would change a value
};

/// What was written, for people to see.
struct PlainSummary {
  std::int64_t tensors = 0, exact = 0; // all, and those whose values the storage holds
  double error = 0, energy = 0;        // squares, over all tensors that were rounded
};

/// Writes `folder`: the weights' values with the online rotation folded back, so that the function
/// is that of the quantized weights with unquantized activations. `each_block(layer)` after each.
/// Memory holds one tensor, of the embedding and the head some rows. Errors: the folder exists and
/// is not empty; with `exact` the first tensor that the storage does not hold.
PlainSummary export_dequantized(const OpenedModel& opened, const std::filesystem::path& folder,
                                const PlainRequest& request,
                                const std::function<void(std::int64_t)>& each_block = {});

} // namespace latticelens
