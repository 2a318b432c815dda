// SentencePiece .model files. The library loads, normalizes, does BPE and decodes; the best path of
// a unigram model is ours (text/unigram.h).
#pragma once
#include "text/tokenizer.h"
#include <filesystem>

namespace latticelens {

/// BOS is as tokenizer_config.json beside it says. Errors: not a unigram or BPE model, damaged.
std::unique_ptr<Tokenizer> open_sentencepiece(const std::filesystem::path& path);

} // namespace latticelens
