#include "model/model.h"

#include "core/error.h"
#include "model/attention.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

class GgufSource : public TensorSource {
 public:
  GgufSource(std::shared_ptr<const GgufFile> file, const Family& family, Config config)
      : file_(std::move(file)), family_(family), config_(std::move(config)) {}

  bool has(const std::string& name) const override {
    return file_->tensors().contains(family_.gguf_name(name));
  }
  Tensor load(const std::string& name) const override {
    require(has(name), "model",
            file_->path().string() + ": tensor \"" + family_.gguf_name(name) + "\" (" + name +
                ") is missing; incomplete download?");
    return family_.from_gguf(name, file_->load(family_.gguf_name(name)), config_);
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> all;
    for (const auto& [name, tensor] : file_->tensors())
      all.push_back(name);
    return all;
  }

 private:
  std::shared_ptr<const GgufFile> file_;
  const Family& family_;
  Config config_;
};

Model open_gguf(const std::filesystem::path& path) {
  const auto file = std::make_shared<const GgufFile>(path);
  const Family& family = family_of_gguf(*file);
  const Config config = family.read_config(family.config_from_gguf(*file), path.string());
  return {.path = path,
          .family = &family,
          .config = config,
          .tensors = std::make_shared<GgufSource>(file, family, config)};
}

Model open_folder(const std::filesystem::path& path) {
  const auto file = path / "config.json";
  require(std::filesystem::exists(file), "model",
          path.string() + ": has no config.json; give a Hugging Face model folder or a .gguf file");
  const Json json = read_json(file);
  const Family& family =
      family_of_model_type(member<std::string>(json, "model_type", file.string()), file.string());
  return {.path = path,
          .family = &family,
          .config = family.read_config(json, file.string()),
          .tensors = open_safetensors_folder(path)};
}

const char* const embedding_name = "model.embed_tokens.weight";
const char* const head_name = "lm_head.weight";

Linear load_linear(const Model& model, const std::string& prefix, const LinearShape& shape) {
  Linear linear{
      load_weight(*model.tensors, prefix + shape.name + ".weight", {shape.out, shape.in})};
  const std::string bias = prefix + shape.name + ".bias";
  if (model.tensors->has(bias))
    linear.bias = load_weight(*model.tensors, bias, {shape.out});
  return linear;
}

} // namespace

Model open_plain_model(const std::filesystem::path& path) {
  require(std::filesystem::exists(path), "model",
          path.string() + ": does not exist; give a Hugging Face model folder or a .gguf file");
  return std::filesystem::is_directory(path) ? open_folder(path) : open_gguf(path);
}

std::string block_prefix(std::int64_t layer) {
  return "model.layers." + std::to_string(layer) + ".";
}

Block load_block(const Model& model, std::int64_t layer) {
  const std::string prefix = block_prefix(layer);
  Block block{.layer = layer};
  for (const LinearShape& shape : model.family->linears(model.config))
    block.linears[shape.name] = load_linear(model, prefix, shape);
  for (const std::string& norm : model.family->norms)
    block.norms[norm] =
        load_weight(*model.tensors, prefix + norm + ".weight", {model.config.hidden});
  if (model.prepare)
    model.prepare(block);
  return block;
}

Tensor load_embedding(const Model& model) {
  // Some tied checkpoints keep the one matrix under the head's name.
  const bool under_head = !model.tensors->has(embedding_name) && model.config.tied;
  return load_weight(*model.tensors, under_head ? head_name : embedding_name,
                     {model.config.vocabulary, model.config.hidden});
}

Tensor load_final_norm(const Model& model) {
  return load_weight(*model.tensors, "model.norm.weight", {model.config.hidden});
}

Tensor load_head(const Model& model) {
  if (model.config.tied)
    return load_embedding(model);
  return load_weight(*model.tensors, head_name, {model.config.vocabulary, model.config.hidden});
}

Tensor embed(const Tensor& table, const Tensor& ids, const Config& config) {
  const std::int64_t low = ids.min().item<std::int64_t>(), high = ids.max().item<std::int64_t>();
  require(low >= 0 && high < config.vocabulary, "model",
          "token id " + std::to_string(low < 0 ? low : high) + " lies outside the vocabulary of " +
              std::to_string(config.vocabulary) + "; do tokenizer and model belong together?");
  return table.index_select(0, ids.flatten()).view({1, ids.numel(), config.hidden});
}

Tensor run_block(const Model& model, const Block& block, const Rope& rope, const Tensor& x,
                 const Tap& tap) {
  State state{x, {}};
  for (const Stage& stage : model.family->stages) {
    const Tensor input = stage_input(stage, block, state, model.config);
    if (tap)
      tap(block_prefix(block.layer) + stage.name, input);
    stage.advance(block, input, rope, model.config, state);
  }
  return state.x;
}

std::vector<Tensor> run_decoder(const Model& model, const std::vector<Tensor>& windows,
                                const std::function<void(std::int64_t)>& each_block,
                                const Tap& tap) {
  std::int64_t longest = 0;
  std::vector<Tensor> hidden;
  const Tensor table = load_embedding(model);
  for (const Tensor& ids : windows) {
    longest = std::max(longest, ids.numel());
    hidden.push_back(embed(table, ids, model.config));
  }
  const Rope rope = make_rope(model.config, longest);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    const Block block = load_block(model, layer);
    for (Tensor& x : hidden)
      x = run_block(model, block, rope, x, tap);
    if (each_block)
      each_block(layer);
  }
  const Tensor norm = load_final_norm(model);
  for (Tensor& x : hidden)
    x = rms_norm(x, norm, model.config.norm_epsilon).squeeze(0);
  return hidden;
}

} // namespace latticelens
