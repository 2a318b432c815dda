#include "text/sentencepiece_tokenizer.h"

#include "core/error.h"
#include "core/files.h"
#include "text/added_tokens.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer_config.h"
#include "text/unigram.h"
#include "text/utf8.h"
#include <algorithm>
#include <sentencepiece_processor.h>

namespace latticelens {
namespace {

class SentencePieceTokenizer : public Tokenizer {
 public:
  SentencePieceTokenizer(const std::string& bytes, const TokenizerConfig& config,
                         const std::string& where);
  Encoding encode(std::string_view text, SpecialTokens special) const override;
  std::string decode(const std::vector<TokenId>& ids) const override;
  std::int64_t vocabulary_size() const override { return processor_.GetPieceSize(); }
  std::optional<TokenId> begin_of_text() const override { return begin_; }
  bool adds_begin_of_text() const override { return adds_begin_; }
  std::string to_tokenizer_json() const override;

 private:
  void read_begin(const TokenizerConfig& config);
  std::string normalize(std::string_view text) const;
  void encode_segment(std::string_view text, Encoding& out) const;
  void require_ok(const sentencepiece::util::Status& status, const std::string& action) const;

  std::string where_;
  sentencepiece::SentencePieceProcessor processor_;
  std::optional<UnigramModel> unigram_; // else the library's BPE
  TokenFinder special_;
  std::optional<TokenId> begin_;
  bool adds_begin_ = false;
};

void SentencePieceTokenizer::require_ok(const sentencepiece::util::Status& status,
                                        const std::string& action) const {
  require(status.ok(), "tokenizer",
          where_ + ": SentencePiece cannot " + action + ": " + status.ToString());
}

SentencePieceTokenizer::SentencePieceTokenizer(const std::string& bytes,
                                               const TokenizerConfig& config,
                                               const std::string& where)
    : where_(where) {
  const SentencePieceModel model = read_sentencepiece_model(bytes, where);
  try {
    require_ok(processor_.LoadFromSerializedProto(bytes), "load the model");
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) { // the trie builder's own
    throw Error("tokenizer", where + ": SentencePiece cannot load the model: " + e.what());
  }
  for (int id = 0; id < processor_.GetPieceSize(); ++id)
    if (processor_.IsControl(id) || processor_.IsUnknown(id))
      special_.add({.id = id, .text = processor_.IdToPiece(id)});
  if (model.unigram)
    unigram_.emplace(model);
  read_begin(config);
}

void SentencePieceTokenizer::read_begin(const TokenizerConfig& config) {
  if (processor_.bos_id() >= 0)
    begin_ = processor_.bos_id();
  if (config.begin_of_text) {
    begin_ = processor_.PieceToId(*config.begin_of_text);
    require(processor_.IdToPiece(*begin_) == *config.begin_of_text, "tokenizer",
            where_ + ": tokenizer_config.json names bos_token \"" + *config.begin_of_text +
                "\", which the vocabulary lacks");
  }
  adds_begin_ = config.adds_begin_of_text.value_or(false);
  require(!adds_begin_ || begin_, "tokenizer",
          where_ + ": tokenizer_config.json has add_bos_token but there is no BOS token");
}

// The pieces that the library gives are the normalized text.
std::string SentencePieceTokenizer::normalize(std::string_view text) const {
  std::string normalized;
  const auto encoded = processor_.EncodeAsImmutableProto({text.data(), text.size()});
  for (const auto& piece : encoded.pieces())
    if (processor_.IsByte(static_cast<int>(piece.id())))
      normalized += static_cast<char>(std::stoi(piece.piece().substr(3, 2), nullptr, 16));
    else
      normalized += piece.piece();
  return normalized;
}

void SentencePieceTokenizer::encode_segment(std::string_view text, Encoding& out) const {
  if (unigram_)
    return unigram_->encode(normalize(text), out);
  std::vector<int> ids;
  require_ok(processor_.Encode({text.data(), text.size()}, &ids), "encode a text");
  out.ids.insert(out.ids.end(), ids.begin(), ids.end());
  if (std::find(ids.begin(), ids.end(), processor_.unk_id()) == ids.end())
    return;
  const auto encoded = processor_.EncodeAsImmutableProto({text.data(), text.size()});
  for (const auto& piece : encoded.pieces())
    if (static_cast<int>(piece.id()) == processor_.unk_id())
      out.dropped_bytes += static_cast<std::int64_t>(piece.surface().size());
}

Encoding SentencePieceTokenizer::encode(std::string_view text, SpecialTokens special) const {
  require_utf8(text, "tokenizer", "text");
  Encoding out;
  if (special == SpecialTokens::as_text) {
    encode_segment(text, out);
    return out;
  }
  for (const Segment& segment : special_.split(text))
    if (segment.token)
      out.ids.push_back(*segment.token);
    else
      encode_segment(segment.text, out);
  return out;
}

std::string SentencePieceTokenizer::decode(const std::vector<TokenId>& ids) const {
  for (TokenId id : ids)
    require(id >= 0 && id < vocabulary_size(), "tokenizer",
            "id " + std::to_string(id) + " is outside the vocabulary of " +
                std::to_string(vocabulary_size()));
  std::string text;
  require_ok(processor_.Decode(std::vector<int>(ids.begin(), ids.end()), &text), "decode ids");
  return replace_invalid_utf8(text);
}

std::string SentencePieceTokenizer::to_tokenizer_json() const {
  throw Error("tokenizer", where_ + ": a SentencePiece model has no tokenizer.json; carry the "
                                    ".model file along instead");
}

} // namespace

std::unique_ptr<Tokenizer> open_sentencepiece(const std::filesystem::path& path) {
  return std::make_unique<SentencePieceTokenizer>(read_text(path, 256u << 20),
                                                  read_tokenizer_config(path), path.string());
}

} // namespace latticelens
