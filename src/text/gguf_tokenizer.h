// Tokenizers from GGUF metadata: byte-level BPE ("gpt2") and SentencePiece's BPE ("llama").
#pragma once
#include "text/tokenizer.h"
#include <filesystem>

namespace latticelens {

/// The metadata is rewritten as a tokenizer.json, which is then read like any other. Errors:
/// another tokenizer model, an unknown pre-tokenizer, arrays of unequal length.
std::unique_ptr<Tokenizer> open_gguf_tokenizer(const std::filesystem::path& path);

} // namespace latticelens
