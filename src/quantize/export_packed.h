// A model as a packed Hugging Face folder: its linears' own codes where the format holds them, else
// rounded to nearest.
#pragma once
#include "quantize/packed_form.h"
#include "tensor/sharded_writer.h"

namespace latticelens {

/// What was written, for people to see.
struct PackedSummary {
  std::int64_t linears = 0, exact = 0; // all, and those whose stored values are the model's own
  double error = 0, energy = 0;        // squares, over all linears
};

struct PackedRequest {
  PackedTarget target;
  Storage storage = Storage::bf16;              // of what is not quantized
  std::int64_t shard_size = default_shard_size; // bytes of tensors in a file at most
  bool exact = false;                           // refuse what would change a value
};

/// Writes `folder`. `each_block(layer)` after each. Errors: the folder is not empty, blocks that do
/// not divide the rows; with `exact` the first tensor that would change, and what would keep it.
PackedSummary export_packed(const OpenedModel& opened, const PackedForm& form,
                            const std::filesystem::path& folder, const PackedRequest& request,
                            const std::function<void(std::int64_t)>& each_block = {});

} // namespace latticelens
