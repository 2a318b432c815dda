// What a model folder holds beside its weights: tokenizer, chat template, generation settings.
#pragma once
#include "model/model.h"

namespace latticelens {

/// Copies them from a Hugging Face folder; from a .gguf file the tokenizer is written anew from its
/// metadata.
void carry_files(const std::filesystem::path& original, const std::filesystem::path& folder);

/// XXH3-128 over the names and bytes of a model's config and weight files (or of the one .gguf
/// file). Says how far it is unless quiet: reading a large model from a disk takes its time.
std::string model_hash(const std::filesystem::path& model, bool quiet);

} // namespace latticelens
