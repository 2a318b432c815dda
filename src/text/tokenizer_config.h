// What tokenizer_config.json, beside a tokenizer, says about the begin-of-text token.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace latticelens {

struct TokenizerConfig {
  std::optional<std::string> begin_of_text;
  std::optional<bool> adds_begin_of_text;
};

/// Reads the file beside `tokenizer`; nothing is set if there is none. Error: not what it should
/// be.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& tokenizer);

} // namespace latticelens
