// SentencePiece .model files, through the SentencePiece library.
#pragma once
#include "text/tokenizer.h"
#include <filesystem>

namespace latticelens {

/// BOS is as tokenizer_config.json beside it says. Errors: not a unigram or BPE model, damaged.
std::unique_ptr<Tokenizer> open_sentencepiece(const std::filesystem::path& path);

} // namespace latticelens
