// config.json out of GGUF metadata, for the families that GGUF describes alike.
#pragma once
#include "core/json.h"
#include "tensor/gguf.h"

namespace latticelens {

/// GGUF's names of the tensors of LLaMA's block.
std::vector<std::pair<std::string, std::string>> llama_gguf_names();

/// Sizes, norm, theta, tie and special tokens; `kind` becomes architectures and model_type. Errors:
/// a size that is missing or not positive, experts.
Json config_of_gguf(const GgufFile& file, const std::string& architecture,
                    const std::string& model_type);

} // namespace latticelens
