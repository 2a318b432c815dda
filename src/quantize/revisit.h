// Going through a finished run again: what each stage's inputs were, and what was made of its
// weights.
#pragma once
#include "quantize/request.h"
#include "quantize/shards.h"
#include "rounding/rounding.h"

namespace latticelens {

struct VisitedLinear {
  std::string name;      // "model.layers.3.mlp.down_proj"
  Tensor weight, values; // [out, in] fp32: what there was to round, and what was chosen
  Tensor scales;         // [out, in/block]
};

struct VisitedStage {
  std::int64_t layer = 0;
  Moments moments;
  std::vector<VisitedLinear> linears;
};

/// Which linears are wanted; all of a stage are given when one of them is.
using Wanted = std::function<bool(const std::string& name)>;

/// One past the last block with a wanted linear; 0: none exists.
std::int64_t blocks_to_visit(const Model& model, const Wanted& wanted);

/// Runs the calibration text through the run's blocks, from the bytes that it wrote, and gives
/// every wanted stage. Ends after the last one. `each_block(layer)` follows every block. Errors: a
/// run without calibration, none wanted exists.
void revisit(const QuantizeRequest& request, const std::filesystem::path& packed_model,
             const Wanted& wanted, const std::function<void(const VisitedStage&)>& visit,
             const std::function<void(std::int64_t)>& each_block);

} // namespace latticelens
