#include "sae/coder_record.h"

#include "core/error.h"
#include "sae/coder_names.h"
#include "sae/coder_tensors.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr const char* record_key = "latticelens";
constexpr const char* exact_file = "latticelens.safetensors";

Tensor times(const Tensor& tensor, double unit) {
  return tensor.defined() ? (tensor.to(at::kDouble) * unit).to(at::kFloat) : tensor;
}

bool same_bits(const Tensor& left, const Tensor& right) {
  return left.defined() == right.defined() &&
         (!left.defined() || left.view(at::kInt).equal(right.view(at::kInt)));
}

/// One threshold for all is stored as one a latent.
Tensor as_stored(const Tensor& thresholds, std::int64_t latents) {
  return thresholds.defined() ? thresholds.expand({latents}).contiguous() : thresholds;
}

Tensor as_configured(const Tensor& thresholds, Selection selection,
                     const std::filesystem::path& folder) {
  if (selection != Selection::batch_top_k || !thresholds.defined())
    return thresholds;
  const Tensor first = thresholds.narrow(0, 0, 1);
  require((thresholds == first).all().item<bool>(), "sae",
          folder.string() + ": batch top-k has one threshold, but the latents' differ; remove "
                            "\"latticelens\" from cfg.json to read them as they are");
  return first.clone();
}

bool belongs(const Coder& exact, const Coder& stored, double unit) {
  const Coder expected = in_unit(exact, unit);
  return same_bits(expected.weights.encoder_bias, stored.weights.encoder_bias) &&
         same_bits(expected.weights.bias, stored.weights.bias) &&
         same_bits(as_stored(expected.config.thresholds, stored.weights.latents()),
                   stored.config.thresholds);
}

Coder with_exact_biases(Coder coder, const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  CoderWeights& weights = coder.weights;
  weights.encoder_bias = stored_tensor(file, "encoder_bias", {weights.latents()});
  weights.bias = stored_tensor(file, "bias", {weights.width()});
  if (file.has("thresholds")) {
    const bool one = coder.config.selection == Selection::batch_top_k;
    coder.config.thresholds = stored_tensor(file, "thresholds", {one ? 1 : weights.latents()});
  }
  return coder;
}

} // namespace

Coder in_unit(const Coder& coder, double unit) {
  Coder result = coder;
  if (unit == 1)
    return result;
  result.weights.encoder_bias = times(coder.weights.encoder_bias, unit);
  result.weights.bias = times(coder.weights.bias, unit);
  result.config.thresholds = times(coder.config.thresholds, unit);
  return result;
}

Json to_json(const CoderRecord& record, const std::string& inputs) {
  const CoderConfig& config = record.config;
  return {{"selection", name_of(config.selection)},
          {"k", config.k},
          {"input_scaling", name_of(config.scaling)},
          {"input_factor", config.input_factor},
          {"inputs", inputs},
          {"unit", record.unit},
          {"model", config.model},
          {"site", config.site},
          {"site_block", config.site_block}};
}

std::optional<CoderRecord> read_record(const Json& metadata, const std::string& where) {
  const Json json = member_or<Json>(metadata, record_key, nullptr, where);
  if (json.is_null())
    return std::nullopt;
  require(json.is_object(), "sae",
          where + ": \"latticelens\" should be an object; the file is damaged");
  CoderRecord record;
  record.config = {
      .selection = selection_named(member<std::string>(json, "selection", where), where),
      .k = member<std::int64_t>(json, "k", where),
      .scaling = input_scaling_named(member<std::string>(json, "input_scaling", where), where),
      .input_factor = member<double>(json, "input_factor", where),
      .model = member<std::string>(json, "model", where),
      .site = member<std::string>(json, "site", where),
      .site_block = member<std::int64_t>(json, "site_block", where)};
  record.unit = member<double>(json, "unit", where);
  const double factor = record.config.input_factor;
  require(std::isfinite(factor) && factor > 0 && record.config.site_block >= -1, "sae",
          where +
              ": the inputs' factor should be positive and the site a block; the file is damaged");
  return record;
}

void write_exact_biases(const Coder& coder, double unit, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / exact_file;
  if (unit == 1) {
    std::filesystem::remove(path);
    return;
  }
  std::vector<std::pair<std::string, Tensor>> tensors = {
      {"encoder_bias", coder.weights.encoder_bias}, {"bias", coder.weights.bias}};
  if (coder.config.thresholds.defined())
    tensors.emplace_back("thresholds", coder.config.thresholds);
  write_safetensors(path, tensors);
}

Coder restore(const Coder& stored, const CoderRecord& record, double unit,
              const std::filesystem::path& folder) {
  require(record.unit == unit, "sae",
          folder.string() +
              ": \"latticelens\" has a unit that its scaling of inputs does not give; "
              "the file is damaged");
  Coder coder = stored;
  coder.config = record.config;
  coder.config.thresholds =
      as_configured(stored.config.thresholds, record.config.selection, folder);
  const std::filesystem::path path = folder / exact_file;
  if (unit == 1 || !std::filesystem::exists(path))
    return in_unit(coder, 1 / unit);
  coder = with_exact_biases(std::move(coder), path);
  require(belongs(coder, stored, unit), "sae",
          path.string() + ": does not belong to the weights beside it, which were written anew; "
                          "remove it to take the biases from there");
  return coder;
}

} // namespace latticelens
