#include "quantize/export_dequantized.h"

#include "core/error.h"
#include "core/files.h"
#include "quantize/carried_files.h"
#include "quantize/input_bases.h"
#include "quantize/plain_tensors.h"
#include "tensor/gguf_blocks.h"
#include "tensor/gguf_rows.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

Json plain_config(const Config& config, Storage storage) {
  Json json = config.source;
  json.erase("quantization_config");
  json.erase("torch_dtype");
  json["dtype"] = storage == Storage::bf16 ? "bfloat16" : "float32";
  return json;
}

} // namespace

NamedTensors plain_block(const OpenedModel& opened, std::int64_t layer) {
  const Model& model = opened.model;
  Block block = load_block(model, layer);
  if (opened.activations.down_input)
    for (const OnlineInput& input : model.layout->rotation.down) {
      Tensor& reader = block.linears.at(input.reader).weight;
      reader = opened.activations.down_input->invert(reader);
    }
  const auto bases = load_input_bases(model, opened.settings, layer, tensors_of(*model.tensors));
  for (const Stage& stage : model.layout->stages)
    if (const auto found = bases.find(stage.name); found != bases.end() && found->second.transform)
      for (const std::string& name : stage.linears) {
        Tensor& weight = block.linears.at(name).weight;
        weight = found->second.transform->restore_weight(weight);
      }
  const std::string prefix = block_prefix(model, layer);
  NamedTensors tensors;
  for (const auto& [name, linear] : block.linears)
    add_linear(tensors, prefix + name, linear);
  for (const auto& [name, norm] : block.norms)
    add_norm(tensors, prefix + name, norm);
  if (block.sinks.defined())
    tensors.emplace_back(prefix + model.layout->sinks, block.sinks);
  return tensors;
}

NamedTensors plain_outer(const OpenedModel& opened) {
  const Model& model = opened.model;
  return outer_tensors({load_embedding(model), load_final_norm(model),
                        model.config.tied ? Linear() : load_head(model)},
                       model.family->names);
}

namespace {

std::vector<PlainTensor> first(const std::vector<PlainTensor>& outer) {
  return {outer.front()};
}

/// What follows the blocks: the last norm and the head.
std::vector<PlainTensor> last(const std::vector<PlainTensor>& outer) {
  return {outer.begin() + 1, outer.end()};
}

void add_layouts(std::vector<TensorLayout>& plan, const std::vector<PlainTensor>& tensors,
                 Storage storage) {
  for (const PlainTensor& tensor : tensors)
    plan.push_back({tensor.name, scalar_type(storage), tensor.shape});
}

std::vector<TensorLayout> plan_of(const OpenedModel& opened, Storage storage) {
  const std::vector<PlainTensor> outer = plain_outer_tensors(opened);
  std::vector<TensorLayout> plan;
  add_layouts(plan, first(outer), storage);
  for (std::int64_t layer = 0; layer < opened.model.config.layers; ++layer)
    add_layouts(plan, joined_block_tensors(opened, layer), storage);
  add_layouts(plan, last(outer), storage);
  return plan;
}

/// One folder in the making.
class Export {
 public:
  Export(const OpenedModel& opened, const PlainRequest& request, ShardedWriter& writer)
      : opened_(opened), request_(request), writer_(writer) {}

  void write(const std::vector<PlainTensor>& tensors) {
    for (const PlainTensor& tensor : tensors)
      write(tensor);
  }
  const PlainSummary& summary() const { return summary_; }

 private:
  void write(const PlainTensor& tensor) {
    EncodingError lost;
    for_each_part(opened_, load_plain(opened_, tensor), tensor.name,
                  [&](const Tensor& rows) { write_rows(tensor.name, rows, lost); });
    ++summary_.tensors;
    summary_.exact += lost.error == 0;
    summary_.error += lost.error;
    summary_.energy += lost.energy;
  }

  void write_rows(const std::string& name, const Tensor& rows, EncodingError& lost) {
    const at::ScalarType type = scalar_type(request_.storage);
    if (request_.exact)
      return writer_.add(name, stored_exactly(rows, request_.storage, name));
    if (type != at::kBFloat16 || rows.scalar_type() == type) // nothing to lose
      return writer_.add(name, rows.to(type));
    lost += encode_and_compare(*find_block_type("BF16"), rows, bytes_);
    writer_.add(name, at::from_blob(bytes_.data(), rows.sizes(), type));
  }

  const OpenedModel& opened_;
  const PlainRequest& request_;
  ShardedWriter& writer_;
  PlainSummary summary_;
  std::vector<std::byte> bytes_;
};

} // namespace

PlainSummary export_dequantized(const OpenedModel& opened, const std::filesystem::path& folder,
                                const PlainRequest& request,
                                const std::function<void(std::int64_t)>& each_block) {
  require(!std::filesystem::exists(folder) || std::filesystem::is_empty(folder), "export",
          folder.string() + ": exists and is not empty; choose another --out");
  const Model& model = opened.model;
  const std::vector<TensorLayout> plan = plan_of(opened, request.storage);
  make_directory(folder);
  ShardedWriter writer(folder, plan, request.shard_size);
  const std::vector<PlainTensor> outer = plain_outer_tensors(opened);
  Export writing(opened, request, writer);
  writing.write(first(outer));
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    writing.write(joined_block_tensors(opened, layer));
    if (each_block)
      each_block(layer);
  }
  writing.write(last(outer));
  writer.commit();
  carry_files(model.path, folder);
  write_text(folder / "config.json", plain_config(model.config, request.storage).dump(2) +
                                         "\n"); // last: marks a whole folder
  return writing.summary();
}

} // namespace latticelens
