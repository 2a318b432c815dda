// Hugging Face's tokenizer.json, with a model of type BPE.
#pragma once
#include "text/bpe_tokenizer.h"
#include <filesystem>

namespace latticelens {

/// The parts that a tokenizer.json describes (without `json`). Errors (naming `where`): a component
/// or setting that is not supported, an inconsistent vocabulary.
BpeParts read_tokenizer_json(const Json& json, const std::string& where);

/// Opens the file; BOS is as tokenizer_config.json beside it says, else as the template says.
std::unique_ptr<Tokenizer> open_tokenizer_json(const std::filesystem::path& path);

} // namespace latticelens
