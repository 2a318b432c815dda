// The models that a `sae` command reads: checkpoints of one training, or variants of one model.
#pragma once
#include "core/json.h"
#include <filesystem>
#include <string>
#include <vector>

namespace latticelens {

struct Checkpoint {
  std::string name; // of its folder in the results
  std::filesystem::path path;
  Json facts; // what its series says of it: step, tokens, held_out_loss
};

/// A series' folder (series.json) gives its checkpoints in order, any other path itself. Errors: no
/// path, two of one name.
std::vector<Checkpoint> checkpoints_of(const std::vector<std::string>& paths);

/// The folders of text that the first path's series was trained on; none: it is no series, or an
/// older one.
std::vector<std::string> text_of_series(const std::vector<std::string>& paths);

/// Of its activations.
std::int64_t width_of(const Checkpoint& checkpoint);

/// Error: their widths or vocabularies differ; says which and how.
void require_alike(const std::vector<Checkpoint>& checkpoints);
/// Error: their tokenizers make other ids of this text, or begin texts with another token.
void require_same_tokens(const std::vector<Checkpoint>& checkpoints, const std::string& text);

} // namespace latticelens
