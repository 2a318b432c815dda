#include "sae/saelens_folder.h"

#include "core/error.h"
#include "sae/check_coder.h"
#include "sae/coder_folder.h"
#include "sae/coder_record.h"
#include "sae/coder_tensors.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr const char* weights_file = "sae_weights.safetensors";
constexpr const char* layout_version = "6.54.12"; // of SAELens; below 6 it takes an old reader
constexpr const char* oldest_version = "6";

// Writing

double unit_of(const CoderConfig& config, std::int64_t width) {
  switch (config.scaling) {
  case InputScaling::unit_norm:
    return std::sqrt(static_cast<double>(width));
  case InputScaling::mean_norm:
    return 1 / config.input_factor;
  case InputScaling::none:
    break;
  }
  return 1;
}

const char* normalisation_of(bool unit_norm) {
  return unit_norm ? "constant_norm_rescale" : "none";
}

std::string hook_of(const CoderConfig& config) {
  if (config.site != site_after(config.site_block))
    return config.site;
  return config.site_block == 0
             ? "blocks.0.hook_resid_pre"
             : "blocks." + std::to_string(config.site_block - 1) + ".hook_resid_post";
}

std::string inputs_in_words(const CoderConfig& config) {
  return config.scaling == InputScaling::unit_norm
             ? "activations as they are: normalize_activations scales them"
             : "activations as they are";
}

Json metadata_of(const StoredCoder& stored, double unit) {
  const CoderConfig& config = stored.coder.config;
  return joined_metadata({{"model_name", config.model},
                          {"hook_name", hook_of(config)},
                          {"hook_head_index", nullptr},
                          {"sae_lens_version", layout_version},
                          {"sae_lens_training_version", nullptr},
                          {"latticelens", to_json({config, unit}, inputs_in_words(config))}},
                         stored.metadata);
}

Json config_of(const StoredCoder& stored, double unit) {
  const CoderConfig& config = stored.coder.config;
  const bool top_k = config.selection == Selection::top_k,
             unit_norm = config.scaling == InputScaling::unit_norm;
  Json json = {{"architecture", top_k ? "topk" : "jumprelu"},
               {"d_in", stored.coder.weights.width()},
               {"d_sae", stored.coder.weights.latents()},
               {"dtype", "float32"},
               {"device", "cpu"},
               {"apply_b_dec_to_input", true},
               {"normalize_activations", normalisation_of(unit_norm)},
               {"reshape_activations", "none"}};
  if (top_k) {
    json["k"] = config.k;
    json["rescale_acts_by_decoder_norm"] = false;
  }
  json["metadata"] = metadata_of(stored, unit);
  return json;
}

std::vector<std::pair<std::string, Tensor>> tensors_of(const Coder& coder, double unit) {
  const Coder there = in_unit(coder, unit);
  std::vector<std::pair<std::string, Tensor>> tensors = {{"W_dec", there.weights.decoder},
                                                         {"W_enc", there.weights.encoder.t()},
                                                         {"b_dec", there.weights.bias},
                                                         {"b_enc", there.weights.encoder_bias}};
  if (coder.config.selection != Selection::top_k)
    tensors.emplace_back("threshold", there.config.thresholds.expand({there.weights.latents()}));
  return tensors;
}

// Reading

/// A folder's configuration and where it stands, for errors.
struct Config {
  Json json;
  std::string where;

  template<typename T>
  T value(const char* key, T fallback) const {
    return member_or<T>(json, key, std::move(fallback), where);
  }
  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error("sae", where + ": " + reason);
  }
};

void check_version(const Config& config, const Json& metadata) {
  const auto version = config.value<std::string>(
      "sae_lens_version", member_or<std::string>(metadata, "sae_lens_version", "", config.where));
  const std::string major = version.substr(0, version.find('.'));
  if (major.size() < std::string(oldest_version).size() ||
      (major.size() == 1 && major < oldest_version))
    config.refuse("written by SAELens before 6.0 (sae_lens_version \"" + version +
                  "\"); load it there with a release from 6.0 on and save it again");
}

/// What a folder's keys say that a Coder has no place for.
void check_supported(const Config& config) {
  const auto reshape = config.value<std::string>("reshape_activations", "none");
  if (reshape != "none")
    config.refuse("reshape_activations \"" + reshape +
                  "\" joins heads, which are no site here; train on a residual stream");
  const auto scaling = config.value<std::string>("normalize_activations", "none");
  if (scaling == "layer_norm" || scaling == "covariance_whitening")
    config.refuse(
        "normalize_activations \"" + scaling +
        "\" is no scaling by one number, which is all that a coder has here; save it with "
        "the normalisation folded into its weights, if SAELens can");
  if (scaling != "none" && scaling != "constant_norm_rescale" &&
      scaling != "expected_average_only_in")
    config.refuse("normalize_activations \"" + scaling +
                  "\" is not known; none, constant_norm_rescale and expected_average_only_in are");
}

Selection read_selection(const Config& config) {
  const auto architecture = member<std::string>(config.json, "architecture", config.where);
  if (architecture == "topk")
    return Selection::top_k;
  if (architecture == "jumprelu" || architecture == "standard")
    return Selection::threshold;
  if (architecture == "batchtopk")
    config.refuse("\"batchtopk\" is SAELens' form for training; write it with "
                  "save_inference_model, which makes it jumprelu");
  config.refuse("the architecture \"" + architecture +
                "\" is no such autoencoder; topk, jumprelu and standard are read");
}

/// Inputs times this were trained on; SAELens leaves it beside checkpoints.
double read_input_factor(const Config& config, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "activation_scaler.json";
  if (!std::filesystem::exists(path))
    config.refuse("expected_average_only_in scales inputs by a number that is in no file "
                  "(activation_scaler.json does not exist); fold it into the weights with SAELens' "
                  "fold_activation_norm_scaling_factor and save again");
  return member<double>(read_json(path, 1u << 20), "scaling_factor", path.string());
}

void read_site(CoderConfig& config, const std::string& hook) {
  config.site_block = -1;
  config.site = hook;
  const auto after = number_between(hook, "blocks.", ".hook_resid_post"),
             before = number_between(hook, "blocks.", ".hook_resid_pre");
  if (!after && !before)
    return;
  config.site_block = after ? *after + 1 : *before;
  config.site = site_after(config.site_block);
}

CoderWeights read_weights(const Config& config, const SafetensorsFile& file) {
  const auto [latents, width] = matrix_sizes(file, "W_dec");
  if (latents != member<std::int64_t>(config.json, "d_sae", config.where) ||
      width != member<std::int64_t>(config.json, "d_in", config.where))
    config.refuse("d_sae and d_in are not the sizes of W_dec; the files do not belong together");
  return {.encoder = stored_tensor(file, "W_enc", {width, latents}).t().contiguous(),
          .encoder_bias = stored_tensor(file, "b_enc", {latents}),
          .decoder = stored_tensor(file, "W_dec", {latents, width}),
          .bias = stored_tensor(file, "b_dec", {width})};
}

void read_thresholds(Coder& coder, const Config& config, const SafetensorsFile& file) {
  if (coder.config.selection == Selection::top_k) {
    require_only(file, {"W_enc", "b_enc", "W_dec", "b_dec"});
    coder.config.k = member<std::int64_t>(config.json, "k", config.where);
    return;
  }
  require_only(file, {"W_enc", "b_enc", "W_dec", "b_dec", "threshold"});
  const std::int64_t latents = coder.weights.latents();
  const bool plain_relu =
      member<std::string>(config.json, "architecture", config.where) == "standard";
  coder.config.thresholds =
      plain_relu ? at::zeros({latents}) : stored_tensor(file, "threshold", {latents});
}

/// What SAELens computes while it encodes, in the weights: biases that are not taken off the inputs
/// are added in front of ReLU, norms that scale what is selected move to the encoder.
void fold_switches(CoderWeights& weights, const Config& config) {
  const Tensor encoder = weights.encoder.to(at::kDouble);
  if (!config.value<bool>("apply_b_dec_to_input", true))
    weights.encoder_bias =
        (weights.encoder_bias + at::mv(encoder, weights.bias.to(at::kDouble))).to(at::kFloat);
  if (!config.value<bool>("rescale_acts_by_decoder_norm", false))
    return;
  const Tensor decoder = weights.decoder.to(at::kDouble);
  const Tensor norms = decoder.norm(2, {1});
  weights.encoder = (encoder * norms.unsqueeze(1)).to(at::kFloat);
  weights.encoder_bias = (weights.encoder_bias * norms).to(at::kFloat);
  weights.decoder =
      (decoder / at::where(norms > 0, norms, at::ones_like(norms)).unsqueeze(1)).to(at::kFloat);
}

/// A folder that SAELens made.
Coder from_elsewhere(Coder coder, const Config& config, const Json& metadata,
                     const std::filesystem::path& folder) {
  fold_switches(coder.weights, config);
  const auto scaling = config.value<std::string>("normalize_activations", "none");
  coder.config.scaling = InputScaling::none;
  if (scaling == "constant_norm_rescale") {
    coder = in_unit(coder, 1 / std::sqrt(static_cast<double>(coder.weights.width())));
    coder.config.scaling = InputScaling::unit_norm;
  }
  if (scaling == "expected_average_only_in") {
    coder.config.input_factor = read_input_factor(config, folder);
    coder.config.scaling = InputScaling::mean_norm;
  }
  coder.config.model = member_or<std::string>(metadata, "model_name", "", config.where);
  read_site(coder.config, member_or<std::string>(metadata, "hook_name", "", config.where));
  return coder;
}

/// A folder that we made, perhaps saved again by SAELens.
Coder from_record(const Coder& stored, const CoderRecord& record, const Config& config,
                  const std::filesystem::path& folder) {
  const bool top_k = stored.config.selection == Selection::top_k,
             unit_norm = record.config.scaling == InputScaling::unit_norm;
  if (top_k != (record.config.selection == Selection::top_k) ||
      (top_k && stored.config.k != record.config.k) ||
      config.value<std::string>("normalize_activations", "none") != normalisation_of(unit_norm) ||
      !config.value<bool>("apply_b_dec_to_input", true) ||
      config.value<bool>("rescale_acts_by_decoder_norm", false))
    config.refuse("\"latticelens\" says another coder than the layout's keys do; remove it to read "
                  "the folder as SAELens does");
  return restore(stored, record, unit_of(record.config, stored.weights.width()), folder);
}

} // namespace

void write_saelens(const StoredCoder& stored, const std::filesystem::path& folder) {
  const Coder& coder = stored.coder;
  check_coder(coder, folder.string());
  require(coder.config.selection != Selection::batch_top_k || coder.config.thresholds.defined(),
          "sae",
          folder.string() + ": SAELens runs batch top-k by its threshold, which is not known yet; "
                            "train on until it is");
  const double unit = unit_of(coder.config, coder.weights.width());
  write_folder(folder, {weights_file, tensors_of(coder, unit), config_of(stored, unit)}, coder,
               unit);
}

StoredCoder read_saelens(const std::filesystem::path& folder) {
  const Config config = {read_folder_config(folder), (folder / "cfg.json").string()};
  const auto metadata = config.value<Json>("metadata", Json::object());
  require(metadata.is_object(), "sae",
          config.where + ": \"metadata\" should be an object; the file is damaged");
  check_version(config, metadata);
  check_supported(config);
  Coder coder;
  coder.config.selection = read_selection(config);
  const SafetensorsFile file(folder / weights_file);
  coder.weights = read_weights(config, file);
  read_thresholds(coder, config, file);
  check_coder(coder, config.where);
  const auto record = read_record(metadata, config.where);
  coder = record ? from_record(coder, *record, config, folder)
                 : from_elsewhere(std::move(coder), config, metadata, folder);
  check_coder(coder, config.where);
  return {std::move(coder), extra_metadata(metadata, {"model_name", "hook_name", "hook_head_index",
                                                      "sae_lens_version",
                                                      "sae_lens_training_version", "latticelens"})};
}

} // namespace latticelens
