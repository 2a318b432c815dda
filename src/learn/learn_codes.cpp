#include "learn/learn_codes.h"

#include "core/error.h"
#include "quantize/choose_rotations.h"
#include "quantize/input_bases.h"
#include "quantize/packed_model.h"
#include "quantize/walks.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// What a linear's codes mean.
struct Grid {
  Format format; // settled
  Tensor scales;
  Tensor snap(const Tensor& weight) const {
    SnapCounts counts;
    return format.snap(weight, scales, counts);
  }
};
using Grids = std::map<std::pair<std::int64_t, std::string>, Grid>;

struct Shards {
  const QuantizeRequest& request;
  ShardFolder folder;
  std::string name(std::int64_t layer, const std::string& linear) const {
    return block_prefix(request.model, layer) + linear;
  }
};

/// Format::on of a whole stage, as the layer loop settles it.
Format settled(const Block& block, const Stage& stage, const Format& format) {
  std::vector<Tensor> weights;
  for (const std::string& name : stage.linears)
    weights.push_back(block.linears.at(name).weight);
  return format.on(at::cat(weights));
}

/// The block that learning starts with, and the grids of its weights.
Block start_of(const Shards& shards, const Rotations& rotations, std::int64_t layer, Grids& grids) {
  const QuantizeRequest& request = shards.request;
  const Method& method = request.method;
  const ActivationSpec activations = activations_of(method, rotations);
  Block block = folded_block(request, rotations, layer, activations);
  const SafetensorsFile file(shards.folder.path(layer));
  const auto bases = load_input_bases(request.model, method, layer, tensors_of(file));
  for (const Stage& stage : request.model.layout->stages) {
    if (const auto found = bases.find(stage.name); found != bases.end())
      apply_input_basis(block, stage, *request.model.layout, found->second, activations);
    const Format format = settled(block, stage, method.weight);
    for (const std::string& name : stage.linears) {
      const UnpackedWeight packed =
          load_packed(tensors_of(file), shards.name(layer, name) + ".weight", method);
      Tensor& weight = block.linears.at(name).weight;
      weight = detail::start_inside_cell(weight, packed.values, packed.scales, format);
      grids[{layer, name}] = {format, packed.scales};
    }
  }
  return block;
}

/// The shard with these weights' codes.
void rewrite(const Shards& shards, const Block& block, const Grids& grids, RunDirectory& run) {
  NamedTensors packed;
  for (const auto& [name, linear] : block.linears)
    if (const auto found = grids.find({block.layer, name}); found != grids.end()) {
      const Grid& grid = found->second;
      add_packed(packed, shards.name(block.layer, name),
                 grid_packing().pack({grid.snap(linear.weight), grid.scales}, grid.format));
    }
  const std::map<std::string, Tensor> changed(packed.begin(), packed.end());
  NamedTensors tensors;
  {
    const SafetensorsFile file(shards.folder.path(block.layer));
    for (const auto& [name, entry] : file.entries()) {
      const auto found = changed.find(name);
      tensors.emplace_back(name, found == changed.end() ? file.load(name).clone() : found->second);
    }
  }
  const std::string name = "model/" + shards.folder.path(block.layer).filename().string();
  run.forget(name);
  shards.folder.write(block.layer, tensors);
  run.record(name);
}

} // namespace

void learn_codes(const QuantizeRequest& request, RunDirectory& run, const EachStep& each_step) {
  const std::int64_t layers = request.model.config.layers;
  const LearnSpec& spec = *learning(request.method, "codes");
  if (learning_is_over(run.path(), spec))
    return;
  TimeTable times;
  const Rotations rotations = choose_rotations(request, run.path(), times);
  const Shards shards{request, ShardFolder(run.model(), layers + 1, request.storage)};
  Grids grids;
  std::vector<Block> blocks;
  for (std::int64_t layer = 0; layer < layers; ++layer)
    blocks.push_back(start_of(shards, rotations, layer, grids));
  const WeightLoss loss(request.model, rotations,
                        [&](std::int64_t layer, const std::string& name, const Tensor& weight) {
                          return grids.at({layer, name}).snap(weight);
                        });
  for (const Block& block :
       descend({request, spec, loss, run.path(), each_step}, std::move(blocks)))
    rewrite(shards, block, grids, run);
  shards.folder.write_index();
  remove_state(run.path());
}

namespace detail {

Tensor start_inside_cell(const Tensor& weight, const Tensor& values, const Tensor& scales,
                         const Format& format) {
  SnapCounts counts;
  const auto stays = [&](const Tensor& share) {
    return format.snap(values + share * (weight - values), scales, counts) == values;
  };
  Tensor share = at::zeros_like(weight);
  for (double step = 1; step >= 1.0 / (1 << 12); step /= 2)
    share = at::where(stays(share + step), share + step, share).clamp_max_(1);
  return values + (2 * share - 1).clamp_min_(0) * (weight - values);
}

} // namespace detail

} // namespace latticelens
