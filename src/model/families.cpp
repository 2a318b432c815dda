// The table of families.
#include "core/error.h"
#include "model/families/gguf_config.h"
#include "model/families/gpt_neox.h"
#include "model/families/gpt_oss.h"
#include "model/families/llama.h"
#include "model/families/mistral.h"
#include "model/families/mixtral.h"
#include "model/families/phi3.h"
#include "model/families/qwen.h"

namespace latticelens {
namespace {

using Names = std::vector<std::string>;

Names gguf_architectures(const Family& family) {
  return family.gguf.config ? Names{family.gguf.architecture} : Names{};
}

Names model_types(const Family& family) {
  return family.model_types;
}

const Family& lookup(const std::string& wanted, Names (*names)(const Family&),
                     const std::string& where) {
  std::string known;
  for (const Family& family : families())
    for (const std::string& name : names(family)) {
      if (name == wanted)
        return family;
      known += (known.empty() ? "" : ", ") + name;
    }
  throw Error("model", where + ": architecture \"" + wanted + "\" is unknown; known: " + known);
}

} // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> table = {llama_family(),    mistral_family(), mixtral_family(),
                                            qwen2_family(),    qwen3_family(),   phi3_family(),
                                            gpt_neox_family(), gpt_oss_family()};
  return table;
}

const Family& family_of_model_type(const std::string& model_type, const std::string& where) {
  return lookup(model_type, model_types, where);
}

const Family& family_of_gguf(const GgufFile& file) {
  return lookup(file.text("general.architecture"), gguf_architectures, file.path().string());
}

GgufMetadata gguf_metadata(const Family& family, const Config& config) {
  if (family.gguf.architecture.empty()) {
    std::string known;
    for (const Family& other : families())
      if (!other.gguf.architecture.empty())
        known += (known.empty() ? "" : ", ") + std::string(other.name);
    throw Error("gguf", std::string(family.name) +
                            ": this program writes no GGUF files of this "
                            "family, only of " +
                            known + "; export another format, as --format plain");
  }
  GgufMetadata metadata = {{"general.architecture", family.gguf.architecture}};
  for (auto& entry : gguf_of_config(config, family.gguf.architecture))
    metadata.push_back(std::move(entry));
  return metadata;
}

std::string gguf_name(const Family& family, const std::string& name) {
  const OuterNames& outer = family.names;
  const std::size_t end = name.rfind('.');
  if (end == std::string::npos)
    return "";
  const std::string stem = name.substr(0, end), suffix = name.substr(end);
  if (stem == outer.embedding)
    return "token_embd" + suffix;
  if (stem == outer.norm)
    return "output_norm" + suffix;
  if (stem == outer.head)
    return "output" + suffix;
  const std::size_t dot = stem.find('.', outer.blocks.size());
  if (!stem.starts_with(outer.blocks) || dot == std::string::npos)
    return "";
  for (const auto& [ours, theirs] : family.gguf.names)
    if (stem.substr(dot + 1) == ours)
      return "blk." + stem.substr(outer.blocks.size(), dot - outer.blocks.size()) + "." + theirs +
             suffix;
  return "";
}

} // namespace latticelens
