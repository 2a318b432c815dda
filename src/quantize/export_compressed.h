// A model as a quantized folder in a layout of compressed-tensors: its linears' own codes where the
// format holds them, else rounded to nearest.
#pragma once
#include "quantize/packed_model.h"
#include "tensor/sharded_writer.h"

namespace latticelens {

struct CompressedTarget {
  Format weight;
  std::optional<Format> activation; // what the model quantizes its inputs to, if a layout holds it
};

/// `type`: a format's name; empty: the format that the model's linears are stored in. Errors: no
/// layout holds it, there is nothing to choose it by; the model's inputs have a basis of their own.
CompressedTarget choose_compressed_target(const OpenedModel& opened, const std::string& type);

/// What was written, for people to see.
struct CompressedSummary {
  std::int64_t linears = 0, exact = 0; // all, and those whose stored values are the model's own
  double error = 0, energy = 0;        // squares, over all linears
};

struct CompressedRequest {
  CompressedTarget target;
  Storage storage = Storage::bf16;              // of what is not quantized
  std::int64_t shard_size = default_shard_size; // bytes of tensors in a file at most
  bool exact = false;                           // refuse what would change a value
};

/// Writes `folder`. `each_block(layer)` after each. Errors: the folder is not empty, blocks that do
/// not divide the rows; with `exact` the first tensor that would change, and what would keep it.
CompressedSummary export_compressed(const OpenedModel& opened, const std::filesystem::path& folder,
                                    const CompressedRequest& request,
                                    const std::function<void(std::int64_t)>& each_block = {});

} // namespace latticelens
