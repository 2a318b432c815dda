// The table of families.
#include "core/error.h"
#include "model/families/llama.h"
#include "model/family.h"

namespace latticelens {
namespace {

const Family* find(const std::string& name, std::vector<std::string> Family::*names) {
  for (const Family& family : families())
    for (const std::string& known : family.*names)
      if (name == known)
        return &family;
  return nullptr;
}

std::string known_names(std::vector<std::string> Family::*names) {
  std::string all;
  for (const Family& family : families())
    for (const std::string& name : family.*names)
      all += (all.empty() ? "" : ", ") + name;
  return all;
}

const Family& lookup(const std::string& name, std::vector<std::string> Family::*names,
                     const std::string& where) {
  const Family* family = find(name, names);
  require(family != nullptr, "model",
          where + ": architecture \"" + name + "\" is unknown; known: " + known_names(names));
  return *family;
}

} // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> table = {llama_family()};
  return table;
}

const Family& family_of_model_type(const std::string& model_type, const std::string& where) {
  return lookup(model_type, &Family::model_types, where);
}

const Family& family_of_gguf(const GgufFile& file) {
  return lookup(file.text("general.architecture"), &Family::gguf_architectures,
                file.path().string());
}

} // namespace latticelens
