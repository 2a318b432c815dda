// The only layer loop: load a block, fold the transforms, collect moments, round, write, run on;
// next block.
#pragma once
#include "core/run_directory.h"
#include "core/time_table.h"
#include "quantize/packed_model.h"
#include "quantize/request.h"

namespace latticelens {

struct QuantizeResult {
  TimeTable times;
  ActivationCounts activations; // what the activation quantizers saw during calibration
  std::int64_t resumed_blocks = 0;
};

/// Writes run.model() and layers.jsonl. Blocks whose shard exists are not done again: the stream is
/// run through them, as it is through those that remove_damaged (quantize/repair.h) leaves there.
/// Every shard is recorded in run.json when it is written.
QuantizeResult quantize_blocks_of(const QuantizeRequest& request, RunDirectory& run);

} // namespace latticelens
