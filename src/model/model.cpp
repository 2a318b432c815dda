#include "model/model.h"

#include "core/error.h"
#include "model/attention.h"
#include "tensor/gguf_blocks.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

class GgufSource : public TensorSource {
 public:
  GgufSource(std::shared_ptr<const GgufFile> file, const Family& family, Config config)
      : file_(std::move(file)), family_(family), config_(std::move(config)) {}

  bool has(const std::string& name) const override {
    return file_->tensors().contains(gguf_name(family_, name)) || second_scale(name).has_value();
  }
  Tensor load(const std::string& name) const override {
    if (const auto scale = second_scale(name))
      return at::full({1}, *scale, at::kFloat);
    require(has(name), "model",
            file_->path().string() + ": tensor \"" + gguf_name(family_, name) + "\" (" + name +
                ") is missing; incomplete download?");
    const Tensor stored = file_->load(gguf_name(family_, name));
    return family_.gguf.restore ? family_.gguf.restore(name, stored, config_) : stored;
  }
  std::string stored_type(const std::string& name) const override {
    const auto found = file_->tensors().find(gguf_name(family_, name));
    require(found != file_->tensors().end(), "model", name + ": is missing");
    const BlockType* type = find_block_type(found->second.type);
    return type ? type->name : "type " + std::to_string(found->second.type);
  }
  void release_pages() const override { file_->release_pages(); }
  std::vector<std::string> names() const override {
    std::vector<std::string> all;
    for (const auto& [name, tensor] : file_->tensors())
      all.push_back(name);
    return all;
  }

 private:
  /// Of NAME.weight_global_scale, which GGUF has another name for.
  std::optional<float> second_scale(const std::string& name) const {
    constexpr std::string_view end = "_global_scale";
    return name.ends_with(end)
               ? file_->second_scale(gguf_name(family_, name.substr(0, name.size() - end.size())))
               : std::nullopt;
  }
  std::shared_ptr<const GgufFile> file_;
  const Family& family_;
  Config config_;
};

Model open_gguf(const std::filesystem::path& path) {
  const auto file = std::make_shared<const GgufFile>(path);
  const Family& family = family_of_gguf(*file);
  const Config config = family.read_config(family.gguf.config(*file), path.string());
  return {.path = path,
          .family = &family,
          .config = config,
          .layout = std::make_shared<const Layout>(family.layout(config)),
          .tensors = std::make_shared<GgufSource>(file, family, config)};
}

Model open_folder(const std::filesystem::path& path) {
  const auto file = path / "config.json";
  require(std::filesystem::exists(file), "model",
          path.string() + ": has no config.json; give a Hugging Face model folder or a .gguf file");
  const Json json = read_json(file);
  const Family& family =
      family_of_model_type(member<std::string>(json, "model_type", file.string()), file.string());
  const Config config = family.read_config(json, file.string());
  return {.path = path,
          .family = &family,
          .config = config,
          .layout = std::make_shared<const Layout>(family.layout(config)),
          .tensors = family.open ? family.open(open_safetensors_folder(path), config)
                                 : open_safetensors_folder(path)};
}

/// load_weight, where the model runs.
Tensor load_placed(const Model& model, const std::string& name,
                   const std::vector<std::int64_t>& shape) {
  return load_weight(*model.tensors, name, shape).to(model.device);
}

/// Where `required` is false, an absent bias is none.
Tensor load_bias(const Model& model, const std::string& name, std::int64_t width, bool required) {
  const std::string bias = name + ".bias";
  return required || model.tensors->has(bias) ? load_placed(model, bias, {width}) : Tensor();
}

Linear load_linear(const Model& model, const std::string& prefix, const LinearShape& shape,
                   bool read) {
  const std::string name = prefix + shape.name;
  return {read ? load_placed(model, name + ".weight", {shape.out, shape.in}) : Tensor(),
          load_bias(model, name, shape.out, shape.biased)};
}

Norm load_norm(const Model& model, const std::string& name, std::int64_t width, bool centred) {
  return {.gain = load_placed(model, name + ".weight", {width}),
          .bias = load_bias(model, name, width, false),
          .centred = centred};
}

} // namespace

Model open_plain_model(const std::filesystem::path& path) {
  require(std::filesystem::exists(path), "model",
          path.string() + ": does not exist; give a Hugging Face model folder or a .gguf file");
  return std::filesystem::is_directory(path) ? open_folder(path) : open_gguf(path);
}

std::string block_prefix(const Model& model, std::int64_t layer) {
  return model.family->names.blocks + std::to_string(layer) + ".";
}

Block load_block(const Model& model, std::int64_t layer, const std::set<std::string>& unread) {
  const std::string prefix = block_prefix(model, layer);
  Block block{.layer = layer};
  for (const LinearShape& shape : model.layout->linears)
    block.linears[shape.name] = load_linear(model, prefix, shape, !unread.contains(shape.name));
  for (const NormShape& norm : model.layout->norms)
    block.norms[norm.name] =
        load_norm(model, prefix + norm.name, norm.width, model.config.layer_norm);
  if (const std::string& sinks = model.layout->sinks; !sinks.empty())
    block.sinks = load_placed(model, prefix + sinks, {model.config.heads});
  if (model.prepare)
    model.prepare(block);
  return block;
}

Block load_block_to_run(const Model& model, std::int64_t layer) {
  return model.load_to_run && model.device.is_cpu() ? model.load_to_run(layer)
                                                    : load_block(model, layer);
}

std::string stored_embedding(const Model& model) {
  const OuterNames& names = model.family->names;
  const bool under_head = !model.tensors->has(names.embedding + ".weight") && model.config.tied;
  return (under_head ? names.head : names.embedding) + ".weight";
}

Tensor load_embedding(const Model& model) {
  return load_placed(model, stored_embedding(model),
                     {model.config.vocabulary, model.config.hidden});
}

Norm load_final_norm(const Model& model) {
  return load_norm(model, model.family->names.norm, model.config.hidden, model.config.layer_norm);
}

Linear load_head(const Model& model) {
  const std::string& name = model.family->names.head;
  const std::int64_t vocabulary = model.config.vocabulary;
  if (model.config.tied)
    return {load_embedding(model), {}};
  return {load_placed(model, name + ".weight", {vocabulary, model.config.hidden}),
          load_bias(model, name, vocabulary, false)};
}

Tensor embed(const Tensor& table, const Tensor& ids, const Config& config) {
  const std::int64_t low = ids.min().item<std::int64_t>(), high = ids.max().item<std::int64_t>();
  require(low >= 0 && high < config.vocabulary, "model",
          "token id " + std::to_string(low < 0 ? low : high) + " lies outside the vocabulary of " +
              std::to_string(config.vocabulary) + "; do tokenizer and model belong together?");
  return table.index_select(0, ids.flatten().to(table.device()))
      .view({1, ids.numel(), config.hidden});
}

Tensor run_block(const Model& model, const Block& block, const Rope& rope, const Tensor& x,
                 const Tap& tap) {
  State state{x};
  for (const Stage& stage : model.layout->stages) {
    const Tensor input = stage_input(stage, block, state, model.config);
    if (tap)
      tap(block_prefix(model, block.layer) + stage.name, input);
    stage.advance(block, input, rope, model.config, state);
  }
  return state.x;
}

std::vector<Tensor> run_decoder(const Model& model, const std::vector<Tensor>& windows,
                                const std::function<void(std::int64_t)>& each_block,
                                const Tap& tap) {
  std::map<bool, std::int64_t> longest; // texts that are long for the model have their own tables
  std::vector<Tensor> hidden;
  const Tensor table = load_embedding(model);
  for (const Tensor& ids : windows) {
    std::int64_t& tokens = longest[is_long(model.config, ids.numel())];
    tokens = std::max(tokens, ids.numel());
    hidden.push_back(embed(table, ids, model.config));
  }
  std::map<bool, Rope> ropes;
  for (const auto& [is_long_text, tokens] : longest)
    ropes[is_long_text] = make_rope(model.config, tokens, model.device);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    const Block block = load_block_to_run(model, layer);
    for (Tensor& x : hidden)
      x = run_block(model, block, ropes.at(is_long(model.config, x.size(1))), x, tap);
    if (each_block)
      each_block(layer);
  }
  const Norm norm = load_final_norm(model);
  for (Tensor& x : hidden)
    x = norm(x, model.config.norm_epsilon).squeeze(0);
  return hidden;
}

} // namespace latticelens
