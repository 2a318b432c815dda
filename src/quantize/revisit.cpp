#include "quantize/revisit.h"

#include "core/error.h"
#include "quantize/choose_rotations.h"
#include "quantize/packed_model.h"
#include "quantize/walks.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

bool any_wanted(const Model& model, const Stage& stage, std::int64_t layer, const Wanted& wanted) {
  return std::any_of(stage.linears.begin(), stage.linears.end(), [&](const std::string& name) {
    return wanted(block_prefix(model, layer) + name);
  });
}

VisitedStage visited(const Model& model, const Walks& walks,
                     const std::map<std::string, Tensor>& weights, const Block& block,
                     std::size_t s, const Stage& stage, const SafetensorsFile& file,
                     const Method& method) {
  VisitedStage result{block.layer, walks.collect(s).moments, {}};
  for (const std::string& name : stage.linears) {
    const std::string full = block_prefix(model, block.layer) + name;
    result.linears.push_back({full, weights.at(name), block.linears.at(name).weight,
                              load_packed(tensors_of(file), full + ".weight", method).scales});
  }
  return result;
}

} // namespace

std::int64_t blocks_to_visit(const Model& model, const Wanted& wanted) {
  std::int64_t blocks = 0;
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    for (const Stage& stage : model.layout->stages)
      if (any_wanted(model, stage, layer, wanted))
        blocks = layer + 1;
  return blocks;
}

void revisit(const QuantizeRequest& request, const std::filesystem::path& packed_model,
             const Wanted& wanted, const std::function<void(const VisitedStage&)>& visit,
             const std::function<void(std::int64_t)>& each_block) {
  const Model& model = request.model;
  require(request.calibration.count > 0, "inspect",
          "this run saw no calibration text; give --calibration FILE");
  const std::int64_t blocks = blocks_to_visit(model, wanted);
  require(blocks > 0, "inspect",
          "no such linear; names look like " + block_prefix(model, 0) +
              model.layout->stages.front().linears.front() + ", blocks 0 to " +
              std::to_string(model.config.layers - 1));
  TimeTable times;
  const Rotations rotations = choose_rotations(request, packed_model.parent_path(), times);
  const ShardFolder shards(packed_model, model.config.layers + 1, request.storage);
  Walks walks(request, rotations);
  for (std::int64_t layer = 0; layer < blocks; ++layer) {
    const SafetensorsFile file(shards.path(layer));
    walks.load(layer);
    walks.load_input_bases(file);
    std::map<std::string, Tensor> weights;
    for (const auto& [name, linear] : walks.block().linears)
      weights[name] = linear.weight;
    walks.load_weights(file);
    for (std::size_t s = 0; s < model.layout->stages.size(); ++s) {
      const Stage& stage = model.layout->stages[s];
      if (any_wanted(model, stage, layer, wanted))
        visit(visited(model, walks, weights, walks.block(), s, stage, file, request.method));
      walks.advance(s, times);
    }
    each_block(layer);
  }
}

} // namespace latticelens
