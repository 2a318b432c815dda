#include "quantize/packed_model.h"

#include "core/error.h"
#include "core/recorded_files.h"
#include "core/run_directory.h"
#include "core/words.h"
#include "quantize/check_method.h"
#include "quantize/fp_quant_tensors.h"
#include "quantize/input_bases.h"
#include "quantize/packed_block.h"
#include "quantize/published_layouts.h"
#include "transforms/hadamard_matrix.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <bit>

namespace latticelens {
namespace {

const char* const rotation_name =
    "R4"; // of the transform's config group; part of the stored tensors' names

/// Serves NAME.weight from its parts.
class PackedTensors : public TensorSource {
 public:
  PackedTensors(std::shared_ptr<const TensorSource> stored, Method method)
      : stored_(std::move(stored)), method_(std::move(method)) {}
  bool has(const std::string& name) const override { return stored_->has(name) || is_packed(name); }
  Tensor load(const std::string& name) const override {
    if (!is_packed(name))
      return stored_->load(name);
    return load_packed(tensors_of(*stored_), name, method_).values;
  }
  std::vector<std::string> names() const override { return stored_->names(); }
  std::string stored_type(const std::string& name) const override {
    return is_packed(name) ? method_.weight.name : stored_->stored_type(name);
  }
  void release_pages() const override { stored_->release_pages(); }

 private:
  bool is_packed(const std::string& name) const {
    return stored_->has(name + packing_of(method_).main_part);
  }
  std::shared_ptr<const TensorSource> stored_;
  Method method_;
};

std::int64_t rotation_size(const TransformSpec& spec, const Config& config) {
  return spec.size > 0 ? spec.size : config.intermediate;
}

/// The layout's "hadamard" is Sylvester's matrix, which a runtime constructs itself and which
/// exists for powers of two only; for any other size the stored matrix decides, under
/// "random-hadamard".
const char* rotation_type(std::int64_t size) {
  return std::has_single_bit(static_cast<std::uint64_t>(size)) ? "hadamard" : "random-hadamard";
}

/// Regular expressions for the linears whose input is rotated: the ends of their names.
Json rotated_linears(const Model& model) {
  Json targets = Json::array();
  for (const OnlineInput& input : model.layout->rotation.down) {
    const std::string target = "re:.*" + input.reader.substr(input.reader.rfind('.') + 1) + "$";
    if (std::find(targets.begin(), targets.end(), target) == targets.end())
      targets.push_back(target);
  }
  return targets;
}

/// What stays as it is: the head, and linears that no stage names (routers).
Json ignored_linears(const Model& model) {
  Json ignored = Json::array({model.family->names.head});
  for (const LinearShape& linear : model.layout->linears)
    if (!in_a_stage(*model.layout, linear.name))
      ignored.push_back("re:.*" + linear.name + "$");
  return ignored;
}

Json transform_config(const Method& method, const Model& model) {
  const TransformSpec* spec = online_rotation(method);
  if (!spec)
    return Json::object();
  const std::int64_t size = rotation_size(*spec, model.config);
  const Json targets = rotated_linears(model);
  const auto at_location = [&](const char* location, bool inverse) {
    return Json{{"targets", targets},
                {"location", location},
                {"inverse", inverse},
                {"ignore", Json::array()}};
  };
  return {{"config_groups",
           {{rotation_name,
             {{"type", rotation_type(size)},
              {"head_dim", size},
              {"randomize", false},
              {"requires_grad", false},
              {"precision", "torch.float32"},
              {"apply", {at_location("input", false), at_location("weight_input", true)}}}}}}};
}

constexpr const char* own_layout = "latticelens"; // quant_method of everything else
constexpr const char* fp_quant = "fp_quant";

/// The online rotation that a folder's transform_config asks for; null when none.
std::shared_ptr<const Transform> read_rotation(const Json& quantization, const Model& model,
                                               const std::string& where) {
  const Json transforms = member_or<Json>(quantization, "transform_config", Json::object(), where);
  const Json groups = member_or<Json>(transforms, "config_groups", Json::object(), where);
  if (groups.empty())
    return nullptr;
  const bool alone = groups.size() == 1 && groups.contains(rotation_name);
  const Json group = alone ? groups[rotation_name] : Json::object();
  const auto size = member_or<std::int64_t>(group, "head_dim", 0, where);
  const auto type = member_or<std::string>(group, "type", "", where);
  const bool known = (type == "hadamard" || type == rotation_type(size)) &&
                     !member_or<bool>(group, "randomize", false, where);
  require(known, "model",
          where + ": its transform_config is not one online Hadamard named " + rotation_name +
              "; not supported");
  const TransformSpec spec{"hadamard", size, Site::down_input};
  require(spec.size > 0 && model.config.intermediate % spec.size == 0, "model",
          where + ": head_dim of the transform does not divide the intermediate size");
  const std::string stored = block_prefix(model, 0) + model.layout->rotation.down.front().reader +
                             "." + rotation_name + "_input.weight";
  const bool constructed = type == "hadamard" && !model.tensors->has(stored);
  require(constructed ||
              at::equal(model.tensors->load(stored).to(at::kDouble), hadamard_matrix(spec.size)),
          "model",
          where + ": " + stored + " is another matrix than the Hadamard matrix constructed here");
  return make_transform(spec, {.width = model.config.intermediate, .random_signs = false});
}

/// What the config of a compressed-tensors folder asks for.
Method compressed_method(const Json& quantization, const std::string& where) {
  const auto format = member_or<std::string>(quantization, "format", "", where);
  const auto& layouts = published_layouts();
  require(std::any_of(layouts.begin(), layouts.end(),
                      [&](const PublishedLayout& layout) { return format == layout.name; }),
          "model",
          where + ": the compressed-tensors format \"" + format +
              "\" is not supported; known: " + names_of(layouts));
  const Json groups = member<Json>(quantization, "config_groups", where);
  for (const char* key : {"kv_cache_scheme", "output_activations"})
    require(member_or<Json>(quantization, key, nullptr, where).is_null(), "model",
            where + ": its " + key + " is not supported");
  require(groups.is_object() && groups.size() == 1, "model",
          where + ": linears quantized in several ways (config_groups) are not supported");
  const Json group = groups.begin().value();
  require(member_or<Json>(group, "output_activations", nullptr, where).is_null(), "model",
          where + ": quantized outputs (output_activations) are not supported");
  const Format weight = weight_format(member<Json>(group, "weights", where), where);
  const Json inputs = member_or<Json>(group, "input_activations", nullptr, where);
  return parse_method(
      "weight=" + weight.name +
      (inputs.is_null() ? "" : " activation=" + activation_format(inputs, where).name));
}

Method own_method(const Json&, const std::string& where) {
  throw Error("model", where + ": lacks the method that made the folder; quantize anew");
}

/// gpt-oss: its experts alone.
Method experts_method(const Json&, const std::string&) {
  return parse_method("weight=mxfp4");
}

/// A quant_method, and what made a folder that says so but not how.
struct QuantMethod {
  const char* name;
  Method (*read)(const Json& quantization, const std::string& where);
};

constexpr QuantMethod quant_methods[] = {{own_layout, own_method},
                                         {"compressed-tensors", compressed_method},
                                         {fp_quant, fp_quant_method},
                                         {"mxfp4", experts_method}};

/// As the folder says, or what the layout's own runtime does. Error: a quant_method that is not
/// known.
Method read_method(const Json& quantization, const std::string& text, const std::string& where) {
  const auto name = member<std::string>(quantization, "quant_method", where);
  for (const QuantMethod& known : quant_methods)
    if (name == known.name)
      return text.empty() ? known.read(quantization, where) : parse_method(text);
  throw Error("model", where + ": quantization \"" + name +
                           "\" is not supported; known: " + names_of(quant_methods));
}

/// With quantized inputs every linear of every stage has to be quantized: inputs are, stage by
/// stage.
void check_whole(const Model& model, const Method& method, const std::string& where) {
  if (!method.activation)
    return;
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    for (const Stage& stage : model.layout->stages)
      for (const std::string& name : stage.linears)
        require(model.tensors->has(block_prefix(model, layer) + name + ".weight" +
                                   packing_of(method).main_part),
                "model",
                where + ": " + block_prefix(model, layer) + name +
                    " is not quantized, others are; with quantized inputs this is not supported");
}

} // namespace

void add_packed(NamedTensors& tensors, const std::string& name, const PackedWeight& packed) {
  for (const auto& [end, tensor] : packed)
    tensors.emplace_back(name + ".weight" + end, tensor);
}

UnpackedWeight load_packed(const LoadTensor& load, const std::string& name, const Method& method) {
  return packing_of(method).unpack([&](const std::string& end) { return load(name + end); },
                                   method.weight, name);
}

LoadTensor tensors_of(const TensorSource& source) {
  return [&source](const std::string& name) {
    return source.has(name) ? source.load(name) : Tensor();
  };
}

LoadTensor tensors_of(const SafetensorsFile& file) {
  return [&file](const std::string& name) { return file.has(name) ? file.load(name) : Tensor(); };
}

void add_online_rotation(NamedTensors& tensors, const std::string& linear, const Method& method,
                         const Config& config) {
  if (const TransformSpec* spec = online_rotation(method))
    tensors.emplace_back(linear + "." + rotation_name + "_input.weight",
                         hadamard_matrix(rotation_size(*spec, config)));
}

Json packed_config(const Model& original, const Method& method, std::uint64_t seed) {
  Json config = original.config.source;
  const bool rotated =
      std::any_of(method.transforms.begin(), method.transforms.end(),
                  [](const TransformSpec& spec) { return spec.site == Site::residual; });
  config["tie_word_embeddings"] = original.config.tied && !rotated;
  if (rotated && original.config.layer_norm) {
    config["model_type"] = original.family->rms_model_type;
    config["architectures"] = {original.family->rms_model_type};
  }
  config.erase("torch_dtype");
  config["dtype"] = "bfloat16"; // to compute in, not of the storage: runtimes unpack into bf16
  config["latticelens"] = {{"method", to_text(method)}, {"seed", seed}};
  const PublishedLayout* layout = layout_of(method);
  if (!layout || original.family->joined) {
    config["quantization_config"] = {{"quant_method", own_layout},
                                     {"format", method.weight.name},
                                     {"packing", packing_of(method).name},
                                     {"transform_config", transform_config(method, original)}};
    return config;
  }
  config["quantization_config"] = {
      {"config_groups",
       {{"group_0",
         {{"format", layout->name},
          {"input_activations",
           method.activation ? activation_arguments(*method.activation) : Json(nullptr)},
          {"output_activations", nullptr},
          {"targets", {"Linear"}},
          {"weights", weight_arguments(method.weight)}}}}},
      {"format", layout->name},
      {"global_compression_ratio", nullptr},
      {"ignore", ignored_linears(original)},
      {"kv_cache_scheme", nullptr},
      {"quant_method", "compressed-tensors"},
      {"quantization_status", "compressed"},
      {"sparsity_config", Json::object()},
      {"transform_config", transform_config(method, original)},
      {"version", "0.15.0"}};
  return config;
}

namespace {

/// Of a run's model, opened by the run's name, which must be finished, or its own.
void require_whole_model(const std::filesystem::path& run, bool by_its_name) {
  const Json json = read_run(run);
  const bool finished = member_or<std::string>(json, "state", "", run.string()) == "finished";
  require(finished || !by_its_name, "model",
          run.string() +
              ": this run is not finished; give the same quantize command again to continue it");
  require_intact(run, records_in(json, "model/"), at::get_num_threads());
}

/// The run in whose folder model/ lies; empty: none.
std::filesystem::path run_around(const std::filesystem::path& model) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::canonical(model, error);
  const bool inside = !error && folder.filename() == "model" && is_run(folder.parent_path());
  return inside ? folder.parent_path() : std::filesystem::path();
}

} // namespace

OpenedModel open_model(const std::filesystem::path& path, Device device) {
  const bool run = is_run(path);
  if (run)
    require_whole_model(path, true);
  else if (const auto around = run_around(path); !around.empty())
    require_whole_model(around, false);
  const std::filesystem::path folder = run ? path / "model" : path;
  OpenedModel opened{.model = open_plain_model(folder)};
  Model& model = opened.model;
  model.device = device;
  const std::string where = (folder / "config.json").string();
  const Json quantization =
      member_or<Json>(model.config.source, "quantization_config", Json(nullptr), where);
  if (quantization.is_null())
    return opened;
  opened.quantized = true;
  const Json made = member_or<Json>(model.config.source, "latticelens", Json::object(), where);
  opened.method = member_or<std::string>(made, "method", "", where);
  const Method method = read_method(quantization, opened.method, where);
  if (opened.method.empty())
    check_whole(model, method, where);
  if (quantization["quant_method"] == fp_quant) {
    const TransformSpec* rotation = transform_at(method, Site::inputs);
    model.tensors = fp_quant_tensors(model, rotation ? rotation->size : 0);
  }
  model.tensors = std::make_shared<PackedTensors>(model.tensors, method);
  check_kv(method, model.config);
  opened.activations =
      activations_of(method, {.query_key = make_query_key_rotation(method.transforms, model.config),
                              .down_input = read_rotation(quantization, model, where)});
  opened.settings = method;
  const auto activations_of_block = [model, method, spec = opened.activations](std::int64_t layer) {
    ActivationSpec of_block = spec;
    of_block.inputs = load_input_bases(model, method, layer, tensors_of(*model.tensors));
    return of_block;
  };
  model.prepare = [activations_of_block, layout = model.layout](Block& block) {
    install_activations(block, *layout, activations_of_block(block.layer));
  };
  // Other packings have parts of the same names, and more beside them.
  if (method.activation && has_encoded_rows(*method.activation) &&
      has_encoded_rows(method.weight) && &packing_of(method) == &grid_packing())
    model.load_to_run = [model, activations_of_block](std::int64_t layer) {
      return load_packed_block(model, layer, activations_of_block(layer));
    };
  return opened;
}

} // namespace latticelens
