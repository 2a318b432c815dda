#include "quantize/layer_loop.h"

#include "core/error.h"
#include "core/progress.h"
#include "quantize/choose_rotations.h"
#include "quantize/layer_rows.h"
#include "quantize/walks.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// Everything the loop carries from block to block.
struct Loop {
  const QuantizeRequest& request;
  RunDirectory& run;
  ShardFolder shards;
  const Rotations& rotations;
  TimeTable& times;
  std::vector<Json> rows;                  // layers.jsonl
  std::map<std::string, Linear> unrotated; // of the block in hand; empty when nothing rotates
};

/// How much inputs count when the scales of a whole weight are chosen: their mean squares.
Tensor importance_of(const Moments* moments) {
  return moments ? moments->gram.diagonal().to(at::kFloat) : Tensor();
}

/// The block's linears as the model has them, to show what rotations do to them.
std::map<std::string, Linear> unrotated_linears(const QuantizeRequest& request,
                                                std::int64_t layer) {
  if (request.method.transforms.empty())
    return {};
  return load_block(request.model, layer).linears;
}

/// Rounds the linears of one stage as one matrix (rows are independent), replaces their weights by
/// what the packed bytes decode to, and adds the bytes to `tensors`.
void round_stage(Loop& loop, Block& block, const Stage& stage, const StageMoments* collected,
                 NamedTensors& tensors) {
  const Moments* moments = collected ? &collected->moments : nullptr;
  std::vector<Tensor> weights;
  for (const std::string& name : stage.linears)
    weights.push_back(block.linears.at(name).weight);
  const std::string where = block_prefix(loop.request.model, block.layer) + stage.name;
  static const Moments none;
  const Method& method = loop.request.method;
  const Packing& packing = packing_of(method);
  const Tensor weight = at::cat(weights);
  const RoundingProblem problem{.weight = weight,
                                .moments = moments ? *moments : none,
                                .format = method.weight.on(weight, importance_of(moments)),
                                .name = where,
                                .scales = method.scales,
                                .order = method.order};
  const Rounded rounded =
      loop.times.measure("rounding", [&] { return round_weight(method.rounding, problem); });
  std::optional<Certificate> certificate;
  if (rounded.solver_error.defined() && has_certificates(method))
    certificate =
        loop.times.measure("certificates", [&] { return certify(problem, rounded, /*steps=*/0); });
  std::int64_t first = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::string& name = stage.linears[i];
    const std::int64_t last = first + weights[i].size(0);
    const Tensor values = rounded.values.slice(0, first, last),
                 scales = rounded.scales.slice(0, first, last);
    const Format own = problem.format.of_rows(first, last);
    const PackedWeight packed = packing.pack({values, scales}, own);
    const Tensor decoded = packing.unpack(parts_of(packed), method.weight, where).values;
    require(at::equal(decoded, values), "pack",
            where + ": packed bytes of " + name + " do not decode to the rounded weight");
    Json row = layer_row(own, block.layer, name, {weights[i], decoded, scales}, moments);
    if (certificate)
      row["certificate"] = certificate_row(*certificate, first, last);
    if (collected && collected->shared) {
      row["shared_moments"] = true;
      row["routed_tokens"] = collected->reached;
    }
    if (const auto found = loop.unrotated.find(name); found != loop.unrotated.end()) {
      const Tensor& original = found->second.weight;
      row["rotation"] = rotation_row(own, weights[i], method.weight.on(original), original);
    }
    row["damping"] = rounded.damping;
    row["escalations"] = rounded.escalations;
    if (rounded.bits)
      row["stage_bits"] = *rounded.bits;
    if (rounded.overflow_rows)
      row["stage_overflow_rows"] = *rounded.overflow_rows;
    if (rounded.outliers > 0)
      row["stage_outliers"] = rounded.outliers;
    if (rounded.held_out_error)
      row["stage_held_out_error"] = *rounded.held_out_error;
    if (rounded.held_out_gptq_error)
      row["stage_held_out_gptq_error"] = *rounded.held_out_gptq_error;
    if (method.target != Target::quantized)
      row["strength"] = rounded.strength;
    loop.rows.push_back(row);
    block.linears.at(name).weight = decoded;
    add_packed(tensors, block_prefix(loop.request.model, block.layer) + name, packed);
    first = last;
  }
}

void write_shard(Loop& loop, std::int64_t shard, const NamedTensors& tensors) {
  const std::string name = "model/" + loop.shards.path(shard).filename().string();
  loop.run.forget(name);
  loop.shards.write(shard, tensors); // its rename is what finishes the block
  loop.run.record(name);
}

NamedTensors small_tensors(const Loop& loop, const Block& block) {
  NamedTensors tensors;
  const std::string prefix = block_prefix(loop.request.model, block.layer);
  for (const auto& [name, norm] : block.norms)
    add_norm(tensors, prefix + name, norm);
  if (block.sinks.defined())
    tensors.emplace_back(prefix + loop.request.model.layout->sinks, block.sinks);
  for (const auto& [name, linear] : block.linears)
    if (!in_a_stage(*loop.request.model.layout, name))
      add_linear(tensors, prefix + name, linear);
    else if (linear.bias.defined())
      tensors.emplace_back(prefix + name + ".bias", linear.bias);
  for (const OnlineInput& input : loop.request.model.layout->rotation.down)
    add_online_rotation(tensors, prefix + input.reader, loop.request.method,
                        loop.request.model.config);
  return loop.shards.in_storage(std::move(tensors));
}

void quantize_block(Loop& loop, Walks& walks, std::int64_t layer) {
  loop.times.measure("load and fold", [&] {
    walks.load(layer);
    loop.unrotated = unrotated_linears(loop.request, layer);
  });
  NamedTensors tensors;
  for (std::size_t s = 0; s < loop.request.model.layout->stages.size(); ++s) {
    const Stage& stage = loop.request.model.layout->stages[s];
    const InputBasis basis =
        loop.times.measure("input transforms", [&] { return walks.choose_input_basis(s); });
    add_input_basis(tensors, block_prefix(loop.request.model, layer), stage, basis);
    std::optional<StageMoments> moments;
    if (!walks.empty())
      moments = loop.times.measure("moments", [&] { return walks.collect(s); });
    round_stage(loop, walks.block(), stage, moments ? &*moments : nullptr, tensors);
    walks.advance(s, loop.times);
  }
  loop.times.measure("write", [&] {
    for (auto& named : small_tensors(loop, walks.block()))
      tensors.push_back(std::move(named));
    loop.run.write_layers(loop.rows);
    write_shard(loop, layer, tensors);
  });
}

} // namespace

QuantizeResult quantize_blocks_of(const QuantizeRequest& request, RunDirectory& run) {
  const Model& model = request.model;
  const std::int64_t layers = model.config.layers;
  QuantizeResult result;
  const Rotations rotations = choose_rotations(request, run.path(), result.times);
  run.record_learned();
  Loop loop{request,   run,          ShardFolder(run.model(), layers + 1, request.storage),
            rotations, result.times, {},
            {}};
  while (result.resumed_blocks < layers && loop.shards.has(result.resumed_blocks))
    ++result.resumed_blocks;
  loop.rows = rows_before(run, result.resumed_blocks);

  Progress progress("quantize", "blocks", layers, request.quiet);
  progress.skip(result.resumed_blocks);
  if (result.resumed_blocks > 0)
    progress.line("continuing after block " + std::to_string(result.resumed_blocks) + " of " +
                  std::to_string(layers));
  if (result.resumed_blocks < layers) {
    Walks walks = result.times.measure("embed", [&] { return Walks(request, rotations); });
    for (std::int64_t layer = 0; layer < result.resumed_blocks; ++layer)
      result.times.measure("repeat finished blocks", [&] { walks.repeat(layer, loop.shards); });
    for (std::int64_t layer = result.resumed_blocks; layer < layers; ++layer) {
      quantize_block(loop, walks, layer);
      say_escalations(progress, loop.rows, layer);
      say_shared_moments(progress, loop.rows, layer);
      if (layer == result.resumed_blocks)
        say_few_tokens(progress, loop.rows);
      progress.step(error_text(loop.rows, layer));
    }
    result.activations = walks.activation_counts();
  }
  result.times.measure("write", [&] {
    if (!loop.shards.has(layers))
      write_shard(loop, layers,
                  loop.shards.in_storage(
                      outer_tensors(fold_outer(model, loop.rotations), model.family->names)));
    loop.shards.write_index();
    write_text(run.model() / "config.json",
               packed_config(model, request.method, request.seed).dump(2) + "\n");
  });
  return result;
}

} // namespace latticelens
