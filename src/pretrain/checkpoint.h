// A step of training as a whole Hugging Face folder.
#pragma once
#include "pretrain/network.h"
#include <filesystem>

namespace latticelens {

/// "step-000512".
std::string checkpoint_name(std::int64_t steps);

/// config.json, generation_config.json, model.safetensors and the tokenizer's files; the folder has
/// a temporary name until it is whole.
void write_checkpoint(const std::filesystem::path& folder, const Recipe& recipe, Network& network,
                      const std::filesystem::path& tokenizer);

} // namespace latticelens
