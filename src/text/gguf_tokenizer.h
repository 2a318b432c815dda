// Tokenizers from GGUF metadata: byte-level BPE ("gpt2") and SentencePiece's BPE ("llama").
#pragma once
#include "text/tokenizer.h"
#include <filesystem>

namespace latticelens {

/// What a token is: the numbers of "tokenizer.ggml.token_type".
namespace gguf_token {
enum Type : std::int64_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};
}

/// The metadata is rewritten as a tokenizer.json, which is then read like any other. Errors:
/// another tokenizer model, an unknown pre-tokenizer, arrays of unequal length.
std::unique_ptr<Tokenizer> open_gguf_tokenizer(const std::filesystem::path& path);

} // namespace latticelens
