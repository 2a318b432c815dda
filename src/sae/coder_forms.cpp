// The table of coder folders.
#include "core/error.h"
#include "core/words.h"
#include "sae/coder_form.h"
#include "sae/saelens_folder.h"
#include "sae/sparsify_folder.h"

namespace latticelens {
namespace {

constexpr CoderForm forms[] = {
    {"saelens", "SAELens 6: top-k, batch top-k and thresholds, inputs of any norm",
     "sae_weights.safetensors", write_saelens, read_saelens},
    {"sparsify", "sparsify: top-k, inputs scaled beforehand", "sae.safetensors", write_sparsify,
     read_sparsify},
};

} // namespace

std::span<const CoderForm> coder_forms() {
  return forms;
}

const CoderForm& coder_form(const std::string& name) {
  for (const CoderForm& form : forms)
    if (name == form.name)
      return form;
  throw Error("sae", "\"" + name + "\" is no form of coder folders; the forms are " +
                         names_of(coder_forms()));
}

StoredCoder read_coder(const std::filesystem::path& folder) {
  const CoderForm* found = nullptr;
  std::string names;
  for (const CoderForm& form : forms) {
    names += (names.empty() ? "" : " or ") + std::string(form.weights_file);
    if (!std::filesystem::exists(folder / form.weights_file))
      continue;
    require(found == nullptr, "sae",
            folder.string() + ": has the files of several forms; keep one form in a folder");
    found = &form;
  }
  require(found != nullptr, "sae",
          folder.string() + ": is no folder of an autoencoder: it has no " + names +
              "; give the folder that cfg.json lies in");
  return found->read(folder);
}

} // namespace latticelens
