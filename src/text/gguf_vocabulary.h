// A tokenizer.json as the metadata that GGUF files keep for it: what text/gguf_tokenizer.h reads.
#pragma once
#include "core/json.h"
#include "tensor/gguf.h"
#include <filesystem>

namespace latticelens {

struct GgufVocabulary {
  GgufMetadata metadata;
  /// Pairs that readers of scores join and the tokenizer.json does not: ids may differ there.
  std::int64_t unlisted_pairs = 0;
};

/// "tokenizer.ggml.*" for byte-level BPE ("gpt2") and SentencePiece's BPE ("llama"), filled up to
/// the model's `size` with unused tokens. Errors, naming `where`: another kind of model, more
/// tokens than `size`, a pre-tokenizer that GGUF has no name for, merges that no scores can
/// express.
GgufVocabulary gguf_vocabulary(const Json& tokenizer, std::int64_t size, const std::string& where);

/// Special tokens, whether BOS is added, and the chat template of the model at `path`: a folder's
/// tokenizer_config.json, or a GGUF file's own. `tokenizer` is the tokenizer.json of that model.
GgufMetadata gguf_special_tokens(const std::filesystem::path& path, const Json& tokenizer);

} // namespace latticelens
