// A SentencePiece tokenizer trained on lines of text, with LLaMA's settings.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace latticelens {

/// The bytes of a tokenizer.model: no normalization, bytes where no piece fits, <unk> 0, <s> 1,
/// </s> 2. kind: "bpe" or "unigram". The same lines give the same bytes. Error: what the library
/// says, as when the text does not support so large a vocabulary.
std::string train_tokenizer(const std::vector<std::string>& lines, const std::string& kind,
                            std::int64_t vocabulary);

/// tokenizer.model and the tokenizer_config.json beside it.
void write_tokenizer(const std::filesystem::path& folder, const std::string& model,
                     const std::string& kind);

} // namespace latticelens
