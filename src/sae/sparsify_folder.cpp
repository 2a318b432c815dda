#include "sae/sparsify_folder.h"

#include "core/error.h"
#include "sae/check_coder.h"
#include "sae/coder_folder.h"
#include "sae/coder_names.h"
#include "sae/coder_record.h"
#include "sae/coder_tensors.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

constexpr const char* weights_file = "sae.safetensors";
constexpr std::int64_t default_factor = 32, default_k = 32; // sparsify's

double unit_of(const CoderConfig& config) {
  return config.scaling == InputScaling::mean_norm ? 1 / config.input_factor : 1;
}

Json config_of(const StoredCoder& stored, double unit) {
  const CoderConfig& config = stored.coder.config;
  const std::int64_t latents = stored.coder.weights.latents(), width = stored.coder.weights.width();
  return {{"activation", "topk"},
          {"expansion_factor", std::max<std::int64_t>(latents / width, 1)},
          {"normalize_decoder", true},
          {"num_latents", latents},
          {"k", config.k},
          {"multi_topk", false},
          {"skip_connection", false},
          {"transcode", false},
          {"d_in", width},
          {"metadata",
           joined_metadata({{"latticelens", to_json({config, unit}, inputs_by_hand(config))}},
                           stored.metadata)}};
}

void check_supported(const Json& config, const std::string& where) {
  const auto activation = member_or<std::string>(config, "activation", "topk", where);
  require(activation == "topk", "sae",
          where + ": the activation \"" + activation + "\" is no selection here; topk is read");
  for (const char* flag : {"transcode", "skip_connection", "signed"})
    require(!member_or<bool>(config, flag, false, where), "sae",
            where + ": \"" + flag +
                "\" makes it something else than a coder of its own inputs; train without it");
}

/// Whether the sizes in cfg.json are those of the weights; num_latents of 0 means the factor.
void check_sizes(const Json& config, std::int64_t latents, std::int64_t width,
                 const std::string& where) {
  const auto number = member_or<std::int64_t>(config, "num_latents", 0, where),
             factor = member_or<std::int64_t>(config, "expansion_factor", default_factor, where);
  const bool fits = number != 0 ? number == latents
                                : width > 0 && latents % width == 0 && latents / width == factor;
  require(fits && member<std::int64_t>(config, "d_in", where) == width, "sae",
          where + ": d_in and num_latents are not the sizes of encoder.weight; the files do not "
                  "belong together");
}

Coder read_stored(const Json& config, const SafetensorsFile& file, const std::string& where) {
  const auto [latents, width] = matrix_sizes(file, "encoder.weight");
  check_sizes(config, latents, width, where);
  require_only(file, {"encoder.weight", "encoder.bias", "W_dec", "b_dec"});
  Coder coder = {.weights = {.encoder = stored_tensor(file, "encoder.weight", {latents, width}),
                             .encoder_bias = stored_tensor(file, "encoder.bias", {latents}),
                             .decoder = stored_tensor(file, "W_dec", {latents, width}),
                             .bias = stored_tensor(file, "b_dec", {width})}};
  coder.config.k = member_or<std::int64_t>(config, "k", default_k, where);
  coder.config.scaling = InputScaling::none;
  check_coder(coder, where);
  return coder;
}

/// sparsify names a folder by its hookpoint and keeps the site nowhere else.
void read_site(CoderConfig& config, const std::filesystem::path& folder) {
  const std::filesystem::path plain = std::filesystem::absolute(folder).lexically_normal();
  const std::string name = (plain.has_filename() ? plain : plain.parent_path()).filename().string();
  const auto block = number_between(name, "layers.", "");
  config.site_block = block ? *block + 1 : -1;
  config.site = block ? site_after(config.site_block) : name;
}

Coder from_record(const Coder& stored, const CoderRecord& record, const std::string& where,
                  const std::filesystem::path& folder) {
  require(record.config.selection == Selection::top_k && record.config.k == stored.config.k, "sae",
          where + ": \"latticelens\" says another coder than the layout's keys do; remove it to "
                  "read the folder as sparsify does");
  return restore(stored, record, unit_of(record.config), folder);
}

} // namespace

void write_sparsify(const StoredCoder& stored, const std::filesystem::path& folder) {
  const Coder& coder = stored.coder;
  check_coder(coder, folder.string());
  require(coder.config.selection == Selection::top_k, "sae",
          folder.string() + ": sparsify has no " + name_of(coder.config.selection) +
              ", only top-k; write the form saelens");
  const double unit = unit_of(coder.config);
  const CoderWeights there = in_unit(coder, unit).weights;
  write_folder(folder,
               {weights_file,
                {{"W_dec", there.decoder},
                 {"b_dec", there.bias},
                 {"encoder.bias", there.encoder_bias},
                 {"encoder.weight", there.encoder}},
                config_of(stored, unit)},
               coder, unit);
}

StoredCoder read_sparsify(const std::filesystem::path& folder) {
  const Json config = read_folder_config(folder);
  const std::string where = (folder / "cfg.json").string();
  check_supported(config, where);
  Coder coder = read_stored(config, SafetensorsFile(folder / weights_file), where);
  const Json metadata = member_or<Json>(config, "metadata", Json::object(), where);
  require(metadata.is_object(), "sae",
          where + ": \"metadata\" should be an object; the file is damaged");
  if (const auto record = read_record(metadata, where))
    coder = from_record(coder, *record, where, folder);
  else
    read_site(coder.config, folder);
  check_coder(coder, where);
  return {std::move(coder), extra_metadata(metadata, {"latticelens"})};
}

} // namespace latticelens
