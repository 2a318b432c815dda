// A model family as data: how its files name things, and the layout of one block.
#pragma once
#include "model/layout.h"
#include "tensor/gguf.h"

namespace latticelens {

/// Names of the tensors outside the blocks, and what all names inside one begin with.
struct OuterNames {
  std::string embedding = "model.embed_tokens", blocks = "model.layers.", norm = "model.norm",
              head = "lm_head";
};

/// How a family's GGUF files differ from its folders.
struct GgufForm {
  std::string architecture; // "general.architecture"; empty: the family has no GGUF files
  /// A config.json that read_config accepts; null: files of this architecture are another family's.
  Json (*config)(const GgufFile&) = nullptr;
  /// Name inside a block -> GGUF's; the names outside are the same for all.
  std::vector<std::pair<std::string, std::string>> names;
  /// What conversion to GGUF does to a tensor's rows, and its inverse; null: nothing.
  Tensor (*arrange)(const std::string& name, const Tensor&, const Config&) = nullptr;
  Tensor (*restore)(const std::string& name, const Tensor&, const Config&) = nullptr;
};

/// A tensor of a block's plain files that holds several of the layout's.
struct JoinedTensor {
  std::string name; // in the block
  std::vector<std::int64_t> shape;
  std::vector<std::string> parts; // names of the layout's tensors, ".weight" and ".bias" included
  Tensor (*join)(const std::vector<Tensor>& parts);
};

struct Family {
  const char* name;
  const char* help;
  std::vector<std::string> model_types; // config.json's "model_type"
  Config (*read_config)(const Json&, const std::string& where);
  Layout (*layout)(const Config&);
  GgufForm gguf;
  OuterNames names;
  /// The model type of a folder whose layer norms have become RMS norms; empty: it has none.
  std::string rms_model_type = {};
  /// A folder's tensors under the layout's names, where its files join several in one; null: they
  /// have these names.
  std::shared_ptr<const TensorSource> (*open)(std::shared_ptr<const TensorSource>,
                                              const Config&) = nullptr;
  /// What the files of plain folders join; null: nothing.
  std::vector<JoinedTensor> (*joined)(const Config&) = nullptr;
};

/// Every family there is.
const std::vector<Family>& families();

/// Errors list the known families.
const Family& family_of_model_type(const std::string& model_type, const std::string& where);
const Family& family_of_gguf(const GgufFile& file);

/// The metadata of a model's shape: "general.architecture" and what belongs to it. Errors: a family
/// without GGUF files, naming those with; what its runtime does not do.
GgufMetadata gguf_metadata(const Family& family, const Config& config);

/// GGUF's name of a tensor; empty when there is none.
std::string gguf_name(const Family& family, const std::string& name);

} // namespace latticelens
