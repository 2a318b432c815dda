// Text to token ids and back, as the model's own tokenizer does it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

using TokenId = std::int32_t;

/// How the added and special tokens of a vocabulary are treated when they occur in a text.
enum class SpecialTokens { as_text, parsed };

struct Encoding {
  std::vector<TokenId> ids;
  // Bytes that the vocabulary has no token for: left out, or behind the unknown token.
  std::int64_t dropped_bytes = 0;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Ids of a UTF-8 text, no BOS or EOS added. Error: not UTF-8 (with the byte's position).
  virtual Encoding encode(std::string_view text,
                          SpecialTokens special = SpecialTokens::as_text) const = 0;
  /// The text of the ids; bytes that form no UTF-8 become U+FFFD. Error: an id outside the
  /// vocabulary.
  virtual std::string decode(const std::vector<TokenId>& ids) const = 0;
  virtual std::int64_t vocabulary_size() const = 0;
  /// The token that the model's files name as BOS.
  virtual std::optional<TokenId> begin_of_text() const = 0;
  /// Do the model's files ask for it at the start of a text?
  virtual bool adds_begin_of_text() const = 0;
  /// A tokenizer.json that gives the same ids in Hugging Face tokenizers, for exports. Error where
  /// that cannot be expressed.
  virtual std::string to_tokenizer_json() const = 0;
};

/// Opens a tokenizer.json, a SentencePiece .model, a .gguf, or a folder that has one of the first
/// two. tokenizer_config.json beside the file decides about BOS. Errors: none found, unknown kind,
/// unknown pre-tokenizer (listing the known ones).
std::unique_ptr<Tokenizer> open_tokenizer(const std::filesystem::path& path);

} // namespace latticelens
