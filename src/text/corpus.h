// Texts to calibrate on and to measure on, and the windows of tokens that they are cut into.
#pragma once
#include "text/tokenizer.h"

namespace latticelens {

/// The texts of UTF-8 files, joined with an empty line between them. Errors: no file, one that is
/// not UTF-8 (with the byte's position), no text at all.
std::string read_corpus(const std::vector<std::filesystem::path>& paths);

struct TokenWindows {
  std::vector<TokenId> ids; // count rows of length
  std::int64_t count = 0, length = 0;
  std::int64_t dropped_bytes = 0; // of the whole text
};

/// Names the windows: XXH3-128 over their ids; empty for none.
std::string hash_of(const TokenWindows& windows);

/// Consecutive windows that do not overlap, at most `limit` of them; what is left over at the end
/// is dropped. The text is encoded as a whole, special tokens as text; BOS stands once, at its
/// start, if the tokenizer adds it. Errors: length or limit below 1, less text than one window.
TokenWindows cut_windows(const Tokenizer& tokenizer, std::string_view text, std::int64_t length,
                         std::optional<std::int64_t> limit = std::nullopt);

} // namespace latticelens
