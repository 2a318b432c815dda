#include "quantize/layer_loop.h"

#include "core/error.h"
#include "core/progress.h"
#include "quantize/calibration.h"
#include "tensor/safetensors.h"
#include "tensor/token_rows.h"
#include "tensor/total.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

/// Everything the loop carries from block to block.
struct Loop {
  const QuantizeRequest& request;
  RunDirectory& run;
  ShardFolder shards;
  Rotations rotations;
  ActivationSpec activations; // of the calibration stream
  TimeTable& times;
  std::vector<Json> rows; // layers.jsonl
};

Json histogram_of_exponents(const Tensor& scales) {
  const Tensor exponents = (scales.log2().round()).to(at::kLong).flatten();
  const auto [values, inverse, counts] =
      at::_unique2(exponents, /*sorted=*/true, false, /*return_counts=*/true);
  Json histogram = Json::object();
  for (std::int64_t i = 0; i < values.numel(); ++i)
    histogram[std::to_string(values[i].item<std::int64_t>())] = counts[i].item<std::int64_t>();
  return histogram;
}

/// One row of layers.jsonl. Errors are sums of squares over the calibration tokens; null without
/// calibration.
Json layer_row(const Loop& loop, std::int64_t layer, const std::string& name, const Tensor& weight,
               const Tensor& values, const Tensor& scales, const Moments* moments) {
  const Format& format = loop.request.method.weight;
  SnapCounts clipped, ignored;
  format.snap(weight, scales, clipped);
  Json row = {{"layer", layer},
              {"linear", name},
              {"out", weight.size(0)},
              {"in", weight.size(1)},
              {"clipped", clipped.clipped}};
  row["weight_error"] = total((weight - values).square());
  row["weight_energy"] = total(weight.square());
  row["error"] = row["nearest_error"] = row["energy"] = nullptr;
  if (moments) {
    const Tensor nearest = format.snap(weight, format.fit(weight), ignored);
    row["error"] = output_error(weight, values, *moments);
    row["nearest_error"] = output_error(weight, nearest, *moments);
    row["energy"] = output_error(weight, at::zeros_like(weight), *moments);
    row["tokens"] = moments->samples;
  }
  row["scale_exponents"] = histogram_of_exponents(scales);
  return row;
}

/// Rounds the linears of one stage as one matrix (rows are independent), replaces their weights by
/// what the packed bytes decode to, and adds the bytes to `tensors`.
void round_stage(Loop& loop, Block& block, const Stage& stage, const Moments* moments,
                 NamedTensors& tensors) {
  std::vector<Tensor> weights;
  for (const std::string& name : stage.linears)
    weights.push_back(block.linears.at(name).weight);
  const std::string where = block_prefix(block.layer) + stage.name;
  static const Moments none;
  const Rounded rounded =
      round_weight(loop.request.method.rounding, {.weight = at::cat(weights),
                                                  .moments = moments ? *moments : none,
                                                  .format = loop.request.method.weight,
                                                  .name = where,
                                                  .scales = loop.request.method.scales,
                                                  .order = loop.request.method.order});
  std::int64_t first = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::string& name = stage.linears[i];
    const std::int64_t last = first + weights[i].size(0);
    const Tensor values = rounded.values.slice(0, first, last),
                 scales = rounded.scales.slice(0, first, last);
    const PackedWeight packed = pack_e2m1(values, scales);
    const Tensor decoded = unpack_e2m1(packed, where);
    require(at::equal(decoded, values), "pack",
            where + ": packed bytes of " + name + " do not decode to the rounded weight");
    Json row = layer_row(loop, block.layer, name, weights[i], decoded, scales, moments);
    row["damping"] = rounded.damping;
    row["escalations"] = rounded.escalations;
    if (rounded.held_out_error)
      row["stage_held_out_error"] = *rounded.held_out_error;
    if (rounded.held_out_gptq_error)
      row["stage_held_out_gptq_error"] = *rounded.held_out_gptq_error;
    if (loop.request.method.target == Target::original)
      row["strength"] = rounded.strength;
    loop.rows.push_back(row);
    block.linears.at(name).weight = decoded;
    add_packed(tensors, block_prefix(block.layer) + name, packed);
    first = last;
  }
}

void add_small_tensors(const Loop& loop, const Block& block, NamedTensors& tensors) {
  const std::string prefix = block_prefix(block.layer);
  for (const auto& [name, norm] : block.norms)
    tensors.emplace_back(prefix + name + ".weight", norm);
  for (const auto& [name, linear] : block.linears)
    if (linear.bias.defined())
      tensors.emplace_back(prefix + name + ".bias", linear.bias);
  add_online_rotation(tensors, prefix + loop.request.model.family->rotation.down_reader,
                      loop.request.method, loop.request.model.config);
}

/// The block as the shard will hold it: what is not quantized is rounded to the storage dtype
/// first.
Block load_folded(const Loop& loop, std::int64_t layer, const ActivationSpec& activations) {
  Block block = load_block(loop.request.model, layer);
  fold_block(block, loop.rotations, loop.request.model);
  for (auto& [name, norm] : block.norms)
    norm = stored_value(norm, loop.request.storage);
  for (auto& [name, linear] : block.linears)
    if (linear.bias.defined())
      linear.bias = stored_value(linear.bias, loop.request.storage);
  install_activations(block, *loop.request.model.family, activations);
  return block;
}

/// The quantized model's walk and, when the method aims at the original outputs, the original's.
struct Walks {
  Walk quantized;
  std::optional<Walk> original;
};

void load_blocks(Loop& loop, Walks& walks, std::int64_t layer) {
  walks.quantized.block = load_folded(loop, layer, loop.activations);
  if (walks.original)
    walks.original->block = load_folded(loop, layer, {.down_input = loop.activations.down_input});
}

void quantize_block(Loop& loop, Walks& walks, std::int64_t layer) {
  loop.times.measure("load and fold", [&] { load_blocks(loop, walks, layer); });
  Walk& walk = walks.quantized;
  NamedTensors tensors;
  for (std::size_t s = 0; s < loop.request.model.family->stages.size(); ++s) {
    const Stage& stage = loop.request.model.family->stages[s];
    std::optional<Moments> moments;
    if (!walk.stream.empty())
      moments = loop.times.measure("moments", [&] {
        return collect_moments(walk, s, walks.original ? &*walks.original : nullptr);
      });
    loop.times.measure("rounding", [&] {
      round_stage(loop, walk.block, stage, moments ? &*moments : nullptr, tensors);
    });
    if (!walk.stream.empty())
      loop.times.measure("forward", [&] { walk.stream.advance(walk.block, s); });
    if (walks.original)
      loop.times.measure("forward of the original",
                         [&] { walks.original->stream.advance(walks.original->block, s); });
  }
  loop.times.measure("write", [&] {
    add_small_tensors(loop, walk.block, tensors);
    loop.run.write_layers(loop.rows);
    loop.shards.write(layer, tensors); // its rename is what finishes the block
  });
}

/// Runs the streams through a block that an earlier run finished, from the bytes that it wrote.
void repeat_block(Loop& loop, Walks& walks, std::int64_t layer) {
  if (walks.quantized.stream.empty())
    return;
  load_blocks(loop, walks, layer);
  Block& block = walks.quantized.block;
  const SafetensorsFile file(loop.shards.path(layer));
  for (auto& [name, linear] : block.linears) {
    const std::string full = block_prefix(layer) + name + ".weight";
    linear.weight = unpack_e2m1({file.load(full + "_packed"), file.load(full + "_scale")}, full);
  }
  walks.quantized.stream.run(block);
  if (walks.original)
    walks.original->stream.run(walks.original->block);
}

/// Rows of finished blocks; a run killed between the rows and the shard has rows too many.
std::vector<Json> rows_before(const RunDirectory& run, std::int64_t layer) {
  std::vector<Json> rows;
  for (const Json& row : run.read_layers())
    if (member<std::int64_t>(row, "layer", "layers.jsonl") < layer)
      rows.push_back(row);
  return rows;
}

std::string error_text(const std::vector<Json>& rows, std::int64_t layer) {
  double chosen = 0, nearest = 0;
  for (const Json& row : rows)
    if (row["layer"] == layer && !row["error"].is_null()) {
      chosen += row["error"].get<double>() / row["energy"].get<double>();
      nearest += row["nearest_error"].get<double>() / row["energy"].get<double>();
    }
  if (nearest == 0)
    return "";
  char text[96];
  std::snprintf(text, sizeof text, "weighted error %.2f of nearest's", chosen / nearest);
  return text;
}

/// A raised damping is never silent: it changes what is solved.
void say_escalations(Progress& progress, const std::vector<Json>& rows, std::int64_t layer) {
  for (const Json& row : rows)
    if (row["layer"] == layer && row["escalations"] > 0)
      progress.line("block " + std::to_string(layer + 1) + ": damping of " +
                    row["linear"].get<std::string>() + " raised to " + row["damping"].dump() +
                    " of the mean diagonal, the moments were not positive definite");
}

NamedTensors outer_tensors(const OuterWeights& outer) {
  NamedTensors tensors = {{"model.embed_tokens.weight", outer.embedding},
                          {"model.norm.weight", outer.norm}};
  if (outer.head.defined())
    tensors.emplace_back("lm_head.weight", outer.head);
  return tensors;
}

CalibrationStream start_stream(const Loop& loop, const std::vector<Tensor>& windows) {
  if (windows.empty())
    return {loop.request.model, {}, {}, loop.request.calibration_storage};
  const OuterWeights outer = fold_outer(loop.request.model, loop.rotations);
  return {loop.request.model, stored_value(outer.embedding, loop.request.storage), windows,
          loop.request.calibration_storage};
}

Walks start_walks(const Loop& loop, const std::vector<Tensor>& windows) {
  Walks walks{{start_stream(loop, windows), {}}, std::nullopt};
  if (loop.request.method.target == Target::original)
    walks.original.emplace(Walk{start_stream(loop, windows), {}});
  return walks;
}

} // namespace

QuantizeResult quantize_blocks_of(const QuantizeRequest& request, RunDirectory& run) {
  const Model& model = request.model;
  const std::int64_t layers = model.config.layers;
  QuantizeResult result;
  Loop loop{request,
            run,
            ShardFolder(run.model(), layers + 1, request.storage),
            make_rotations(request.method.transforms, model.config, request.seed),
            {},
            result.times,
            {}};
  loop.activations.down_input = loop.rotations.down_input;
  if (request.method.moments == MomentsPath::quantized)
    loop.activations.format = request.method.activation;
  while (result.resumed_blocks < layers && loop.shards.has(result.resumed_blocks))
    ++result.resumed_blocks;
  loop.rows = rows_before(run, result.resumed_blocks);

  Progress progress("quantize block", layers, request.quiet);
  progress.skip(result.resumed_blocks);
  if (result.resumed_blocks > 0)
    progress.line("continuing after block " + std::to_string(result.resumed_blocks) + " of " +
                  std::to_string(layers));
  if (result.resumed_blocks < layers) {
    Walks walks = result.times.measure("embed", [&] {
      return start_walks(loop, token_rows(request.calibration.ids, request.calibration.length));
    });
    for (std::int64_t layer = 0; layer < result.resumed_blocks; ++layer)
      result.times.measure("repeat finished blocks", [&] { repeat_block(loop, walks, layer); });
    for (std::int64_t layer = result.resumed_blocks; layer < layers; ++layer) {
      quantize_block(loop, walks, layer);
      say_escalations(progress, loop.rows, layer);
      progress.step(error_text(loop.rows, layer));
    }
  }
  result.times.measure("write", [&] {
    if (!loop.shards.has(layers))
      loop.shards.write(layers, outer_tensors(fold_outer(model, loop.rotations)));
    loop.shards.write_index();
    write_text(run.model() / "config.json",
               packed_config(model, request.method, request.seed).dump(2) + "\n");
  });
  result.activations = *loop.activations.counts;
  return result;
}

} // namespace latticelens
