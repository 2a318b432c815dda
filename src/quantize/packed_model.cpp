#include "quantize/packed_model.h"

#include "core/error.h"
#include "core/run_directory.h"
#include "transforms/hadamard_matrix.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <bit>

namespace latticelens {
namespace {

const char* const layout = "mxfp4-pack-quantized";
const char* const rotation_name =
    "R4"; // of the transform's config group; part of the stored tensors' names

/// Serves NAME.weight from NAME.weight_packed and NAME.weight_scale.
class PackedTensors : public TensorSource {
 public:
  explicit PackedTensors(std::shared_ptr<const TensorSource> stored) : stored_(std::move(stored)) {}
  bool has(const std::string& name) const override {
    return stored_->has(name) || stored_->has(name + "_packed");
  }
  Tensor load(const std::string& name) const override {
    if (!stored_->has(name + "_packed"))
      return stored_->load(name);
    return unpack_e2m1({stored_->load(name + "_packed"), stored_->load(name + "_scale")}, name);
  }
  std::vector<std::string> names() const override { return stored_->names(); }

 private:
  std::shared_ptr<const TensorSource> stored_;
};

Json quantization_arguments(bool dynamic) {
  return {{"actorder", nullptr},
          {"block_structure", nullptr},
          {"dynamic", dynamic},
          {"group_size", 32},
          {"num_bits", 4},
          {"observer", dynamic ? Json(nullptr) : Json("memoryless_minmax")},
          {"observer_kwargs", Json::object()},
          {"scale_dtype", "torch.uint8"},
          {"strategy", "group"},
          {"symmetric", true},
          {"type", "float"},
          {"zp_dtype", nullptr}};
}

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

bool is_packed(const Json& quantization, const std::string& where) {
  const auto method = member<std::string>(quantization, "quant_method", where);
  const auto format = member_or<std::string>(quantization, "format", "", where);
  require(method == "compressed-tensors" && format == layout, "model",
          where + ": quantization \"" + method + "\" with format \"" + format +
              "\" is not supported; known: compressed-tensors with " + layout);
  return true;
}

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

std::optional<Format> read_activation(const Json& quantization, const std::string& method,
                                      const std::string& where) {
  if (!method.empty())
    return parse_method(method).activation;
  const Json group =
      member<Json>(member<Json>(quantization, "config_groups", where), "group_0", where);
  if (member_or<Json>(group, "input_activations", nullptr, where).is_null())
    return std::nullopt;
  return parse_format("mxfp4/even"); // what the layout's own runtime does
}

} // namespace

void add_packed(NamedTensors& tensors, const std::string& name, const PackedWeight& packed) {
  tensors.emplace_back(name + ".weight_packed", packed.codes);
  tensors.emplace_back(name + ".weight_scale", packed.scales);
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
  config["quantization_config"] = {
      {"config_groups",
       {{"group_0",
         {{"format", layout},
          {"input_activations", method.activation ? quantization_arguments(true) : Json(nullptr)},
          {"output_activations", nullptr},
          {"targets", {"Linear"}},
          {"weights", quantization_arguments(false)}}}}},
      {"format", layout},
      {"global_compression_ratio", nullptr},
      {"ignore", ignored_linears(original)},
      {"kv_cache_scheme", nullptr},
      {"quant_method", "compressed-tensors"},
      {"quantization_status", "compressed"},
      {"sparsity_config", Json::object()},
      {"transform_config", transform_config(method, original)},
      {"version", "0.15.0"}};
  config["latticelens"] = {{"method", to_text(method)}, {"seed", seed}};
  return config;
}

OpenedModel open_model(const std::filesystem::path& path) {
  std::filesystem::path folder = path;
  if (is_run(path)) {
    require(member_or<std::string>(read_run(path), "state", "", path.string()) == "finished",
            "model",
            path.string() +
                ": this run is not finished; give the same quantize command again to continue it");
    folder = path / "model";
  }
  OpenedModel opened{.model = open_plain_model(folder)};
  Model& model = opened.model;
  const std::string where = (folder / "config.json").string();
  const Json quantization =
      member_or<Json>(model.config.source, "quantization_config", Json(nullptr), where);
  if (quantization.is_null() || !is_packed(quantization, where))
    return opened;
  opened.quantized = true;
  model.tensors = std::make_shared<PackedTensors>(model.tensors);
  const Json made = member_or<Json>(model.config.source, "latticelens", Json::object(), where);
  opened.method = member_or<std::string>(made, "method", "", where);
  opened.activations.format = read_activation(quantization, opened.method, where);
  opened.activations.down_input = read_rotation(quantization, model, where);
  model.prepare = [layout = model.layout, spec = opened.activations](Block& block) {
    install_activations(block, *layout, spec);
  };
  return opened;
}

} // namespace latticelens
