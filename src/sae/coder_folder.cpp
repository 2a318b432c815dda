#include "sae/coder_folder.h"

#include "core/error.h"
#include "sae/coder_record.h"
#include <algorithm>
#include <charconv>

namespace latticelens {
namespace {

constexpr const char* config_file = "cfg.json";
constexpr std::uintmax_t config_limit = 16u << 20; // of bytes

} // namespace

Json read_folder_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / config_file;
  require(std::filesystem::exists(path), "sae",
          path.string() + ": does not exist: the folder is not whole; write or copy it again");
  Json config = read_json(path, config_limit);
  require(config.is_object(), "sae",
          path.string() + ": should be a JSON object; is this an autoencoder's folder?");
  return config;
}

void write_folder(const std::filesystem::path& folder, const FolderFiles& files, const Coder& exact,
                  double unit) {
  make_directory(folder);
  std::error_code failed;
  std::filesystem::remove(folder / config_file, failed);
  require(!failed, "sae",
          (folder / config_file).string() + ": cannot be removed: " + failed.message() +
              "; choose another folder");
  write_safetensors(folder / files.weights_file, files.tensors);
  write_exact_biases(exact, unit, folder);
  write_text(folder / config_file, files.config.dump(2) + "\n");
}

Json joined_metadata(Json own, const Json& extra) {
  require(extra.is_object(), "sae",
          "the metadata should be an object; this is a mistake in the program, report it");
  for (const auto& [key, value] : extra.items()) {
    require(!own.contains(key), "sae",
            "metadata \"" + key + "\": the folder's layout has this key itself; name it otherwise");
    own[key] = value;
  }
  return own;
}

Json extra_metadata(const Json& metadata, std::initializer_list<const char*> own) {
  Json extra = Json::object();
  for (const auto& [key, value] : metadata.items())
    if (std::find(own.begin(), own.end(), key) == own.end())
      extra[key] = value;
  return extra;
}

std::string inputs_by_hand(const CoderConfig& config) {
  if (config.scaling == InputScaling::unit_norm)
    return "divide each activation by its Euclidean norm before encoding (zero stays zero), and "
           "multiply the reconstruction by that norm";
  return "activations as they are";
}

std::string site_after(std::int64_t blocks) {
  return "block:" + std::to_string(blocks);
}

std::optional<std::int64_t> number_between(std::string_view text, std::string_view before,
                                           std::string_view after) {
  if (text.size() <= before.size() + after.size() || !text.starts_with(before) ||
      !text.ends_with(after))
    return std::nullopt;
  text.remove_prefix(before.size());
  text.remove_suffix(after.size());
  std::int32_t number = 0; // of a block
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0)
    return std::nullopt;
  return number;
}

} // namespace latticelens
