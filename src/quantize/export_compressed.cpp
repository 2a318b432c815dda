#include "quantize/export_compressed.h"

#include "core/error.h"
#include "core/files.h"
#include "core/words.h"
#include "formats/scales_on_grid.h"
#include "quantize/carried_files.h"
#include "quantize/check_method.h"
#include "quantize/input_bases.h"
#include "quantize/published_layouts.h"
#include "tensor/gguf_codes.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// GGUF's types whose values are codes of a format here.
const std::map<std::string, std::string> formats_of_gguf = {
    {"MXFP4", "mxfp4"}, {"NVFP4", "nvfp4"}, {"Q4_0", "bint4:32"}, {"Q8_0", "bint8:32"}};

constexpr const char* nearest_alternatives =
    "; write the values themselves instead (--format plain), a GGUF file, or name a type "
    "(--type mxfp4), which rounds";

/// What all linears of all blocks are stored as.
std::string type_of_linears(const Model& model) {
  std::set<std::string> types;
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    for (const Stage& stage : model.layout->stages)
      for (const std::string& name : stage.linears)
        types.insert(model.tensors->stored_type(block_prefix(model, layer) + name + ".weight"));
  return joined({types.begin(), types.end()}, " and ");
}

std::string stored_format(const OpenedModel& opened) {
  if (opened.quantized && !opened.settings.weight.coded)
    return opened.settings.weight.name;
  const std::string type = opened.quantized ? std::string(opened.settings.weight.coded->name)
                                            : type_of_linears(opened.model);
  const auto found = formats_of_gguf.find(type);
  require(found != formats_of_gguf.end(), "export",
          opened.model.path.string() + ": its linears are stored as " + type +
              ", which no layout of compressed-tensors holds" + nearest_alternatives);
  return found->second;
}

/// The method of the folder to write, as far as it is the model's own.
Method method_for(const OpenedModel& opened, const CompressedTarget& target) {
  Method method = opened.quantized ? opened.settings : parse_method("weight=mxfp4");
  method.weight = target.weight;
  method.activation = target.activation;
  method.centred = false;
  method.rounding = parse_rounding("nearest");
  return method;
}

/// One folder in the making.
class Export {
 public:
  Export(const OpenedModel& opened, const CompressedRequest& request)
      : opened_(opened), request_(request), method_(method_for(opened, request.target)) {}

  const Method& method() const { return method_; }
  const CompressedSummary& summary() const { return summary_; }

  NamedTensors block(std::int64_t layer) {
    const Model& model = opened_.model;
    const Block block = load_block(model, layer);
    const std::string prefix = block_prefix(model, layer);
    NamedTensors tensors;
    for (const auto& [name, norm] : block.norms)
      add_norm(tensors, prefix + name, norm);
    for (const auto& [name, linear] : block.linears)
      if (!in_a_stage(*model.layout, name))
        add_linear(tensors, prefix + name, linear);
      else if (linear.bias.defined())
        tensors.emplace_back(prefix + name + ".bias", linear.bias);
    for (const OnlineInput& input : model.layout->rotation.down)
      add_online_rotation(tensors, prefix + input.reader, method_, model.config);
    tensors = stored(std::move(tensors));
    add_linears(tensors, block);
    const auto bases = load_input_bases(model, method_, layer, tensors_of(*model.tensors));
    for (const Stage& stage : model.layout->stages)
      if (const auto found = bases.find(stage.name); found != bases.end())
        add_input_basis(tensors, prefix, stage, found->second);
    return tensors;
  }

  NamedTensors outer() {
    const Model& model = opened_.model;
    return stored(outer_tensors({load_embedding(model), load_final_norm(model),
                                 model.config.tied ? Linear() : load_head(model)},
                                model.family->names));
  }

 private:
  NamedTensors stored(NamedTensors tensors) const {
    for (auto& [name, tensor] : tensors) {
      const Tensor kept = stored_value(tensor, request_.storage);
      require(!request_.exact || at::equal(kept, tensor.to(at::kFloat)), "convert",
              name + ": " + to_text(request_.storage) +
                  " does not hold its values; give --dtype fp32");
      tensor = tensor.to(request_.storage == Storage::bf16 ? at::kBFloat16 : at::kFloat);
    }
    return tensors;
  }

  void add_linears(NamedTensors& tensors, const Block& block) {
    for (const Stage& stage : opened_.model.layout->stages) {
      std::vector<Tensor> weights;
      for (const std::string& name : stage.linears)
        weights.push_back(block.linears.at(name).weight);
      const Format shared = request_.target.weight.on(at::cat(weights));
      for (std::size_t i = 0; i < weights.size(); ++i)
        add_packed(tensors, block_prefix(opened_.model, block.layer) + stage.linears[i],
                   packed(block_prefix(opened_.model, block.layer) + stage.linears[i], weights[i],
                          shared));
    }
  }

  /// Formats under whose second scale the values may be codes already.
  std::vector<Format> settled(const std::string& name, const Format& shared) const {
    if (request_.target.weight.rule.tensor_maximum == 0)
      return {shared};
    std::vector<Format> formats(2, shared);
    formats[0].rule.tensor_scale = 1; // GGUF's
    const std::string stored = name + ".weight_global_scale";
    if (opened_.model.tensors->has(stored))
      formats[1].rule.tensor_scale = opened_.model.tensors->load(stored).item<float>();
    return {formats[1], formats[0]};
  }

  PackedWeight packed(const std::string& name, const Tensor& values, const Format& shared) {
    const Packing& packing = packing_of(method_);
    ++summary_.linears;
    summary_.energy += values.square().sum(at::kDouble).item<double>();
    for (const Format& format : settled(name, shared))
      if (const auto scales = scales_on_grid(values, format)) {
        ++summary_.exact;
        return packing.pack({values, *scales}, format);
      }
    require(!request_.exact, "convert",
            name + ": its values are no codes of " + request_.target.weight.name +
                nearest_alternatives);
    const Tensor scales = shared.fit(values);
    SnapCounts counts;
    const Tensor rounded = shared.snap(values, scales, counts);
    summary_.error += (rounded - values).square().sum(at::kDouble).item<double>();
    return packing.pack({rounded, scales}, shared);
  }

  const OpenedModel& opened_;
  const CompressedRequest& request_;
  Method method_;
  CompressedSummary summary_;
};

Json config_of(const OpenedModel& opened, const Method& method) {
  const Json made =
      member_or<Json>(opened.model.config.source, "latticelens", Json::object(), "config.json");
  Json config = packed_config(
      opened.model, method,
      static_cast<std::uint64_t>(member_or<std::int64_t>(made, "seed", 0, "config.json")));
  if (!opened.quantized)
    config.erase("latticelens");
  return config;
}

} // namespace

CompressedTarget choose_compressed_target(const OpenedModel& opened, const std::string& type) {
  require(!has_input_transforms(opened.settings), "export",
          opened.model.path.string() +
              ": its method gives every input a matrix from calibration, which compressed-tensors "
              "has no place for; write --format plain, which folds it back into the weights");
  CompressedTarget target{parse_format(type.empty() ? stored_format(opened) : type), std::nullopt};
  require(published_layout(target.weight, std::nullopt), "export",
          "no layout of compressed-tensors holds " + target.weight.name +
              "; known: mxfp4, mxfp6-e2m3, mxfp8-e4m3, nvfp4, int4, int8, bint4:N, bint8:N");
  if (opened.activations.format && published_layout(target.weight, opened.activations.format))
    target.activation = opened.activations.format;
  return target;
}

CompressedSummary export_compressed(const OpenedModel& opened, const std::filesystem::path& folder,
                                    const CompressedRequest& request,
                                    const std::function<void(std::int64_t)>& each_block) {
  Export writing(opened, request);
  const Model& model = opened.model;
  check_method(writing.method(), model);
  require(!std::filesystem::exists(folder) || std::filesystem::is_empty(folder), "export",
          folder.string() + ": exists and is not empty; choose another --out");
  make_directory(folder);
  const ShardFolder shards(folder, model.config.layers + 1, request.storage);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    shards.write(layer, writing.block(layer));
    if (each_block)
      each_block(layer);
  }
  shards.write(model.config.layers, writing.outer());
  shards.write_index();
  carry_files(model.path, folder);
  write_text(folder / "config.json",
             config_of(opened, writing.method()).dump(2) + "\n"); // last: marks a whole folder
  return writing.summary();
}

} // namespace latticelens
