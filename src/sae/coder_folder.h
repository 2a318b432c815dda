// What the forms of coder folders share: the order of their files, their metadata, their sites.
#pragma once
#include "core/json.h"
#include "sae/coder.h"
#include "tensor/safetensors.h"
#include <initializer_list>
#include <optional>

namespace latticelens {

/// cfg.json of a coder folder. Errors: absent (the folder is not whole), no JSON object.
Json read_folder_config(const std::filesystem::path& folder);

/// A coder as a form's files hold it.
struct FolderFiles {
  const char* weights_file;
  std::vector<std::pair<std::string, Tensor>> tensors; // of weights_file
  Json config;                                         // cfg.json
};

/// Removes cfg.json, writes the weights and what `write_exact_biases` adds, and then cfg.json.
/// exact: the coder that was stored, in the folder's `unit`.
void write_folder(const std::filesystem::path& folder, const FolderFiles& files, const Coder& exact,
                  double unit);

/// The layout's keys and the caller's. Error: a key that both have; `extra` is no object.
Json joined_metadata(Json own, const Json& extra);
/// The caller's keys: all but these.
Json extra_metadata(const Json& metadata, std::initializer_list<const char*> own);

/// A sentence on how inputs have to be scaled before a layout without scalings encodes them.
std::string inputs_by_hand(const CoderConfig& config);

/// "block:6"; the config's site that has so many blocks before it.
std::string site_after(std::int64_t blocks);

/// The number in a text between these two, if that is all it has: "blocks.11.hook_resid_post".
std::optional<std::int64_t> number_between(std::string_view text, std::string_view before,
                                           std::string_view after);

} // namespace latticelens
