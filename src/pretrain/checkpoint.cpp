#include "pretrain/checkpoint.h"

#include "core/files.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>
#include <cstdio>

namespace latticelens {

namespace fs = std::filesystem;

std::string checkpoint_name(std::int64_t steps) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%06lld", static_cast<long long>(steps));
  return name;
}

void write_checkpoint(const fs::path& folder, const Recipe& recipe, Network& network,
                      const fs::path& tokenizer) {
  const fs::path partial = AtomicFile::temporary_name(folder);
  fs::remove_all(partial);
  make_directory(partial);
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const Parameter& parameter : parameters_of(network))
    tensors.emplace_back(parameter.name, *parameter.value);
  write_safetensors(partial / "model.safetensors", tensors);
  const Json config = config_json(recipe), generation = {{"bos_token_id", 1}, {"eos_token_id", 2}};
  write_text(partial / "config.json", config.dump(2) + "\n");
  write_text(partial / "generation_config.json", generation.dump(2) + "\n");
  for (const auto& entry : fs::directory_iterator(tokenizer))
    write_text(partial / entry.path().filename(), read_text(entry.path()));
  fs::remove_all(folder); // of a run that was killed behind it
  fs::rename(partial, folder);
}

} // namespace latticelens
