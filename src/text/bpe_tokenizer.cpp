#include "text/bpe_tokenizer.h"

#include "core/error.h"
#include "text/utf8.h"
#include <algorithm>
#include <deque>

namespace latticelens {
namespace {

class BpeTokenizer : public Tokenizer {
 public:
  explicit BpeTokenizer(BpeParts parts) : parts_(std::move(parts)) {
    size_ = parts_.model.vocabulary().size();
    for (AddedToken token : parts_.added) {
      size_ = std::max<std::int64_t>(size_, token.id + std::int64_t{1});
      added_texts_[token.id] = token.text;
      if (token.normalized)
        token.text = parts_.normalizer.apply(token.text);
      (token.normalized ? in_normalized_ : in_raw_).add(token);
    }
  }

  Encoding encode(std::string_view text, SpecialTokens special) const override;
  std::string decode(const std::vector<TokenId>& ids) const override;
  std::int64_t vocabulary_size() const override { return size_; }
  std::optional<TokenId> begin_of_text() const override { return parts_.begin_of_text; }
  bool adds_begin_of_text() const override { return parts_.adds_begin_of_text; }
  std::string to_tokenizer_json() const override { return parts_.json; }

 private:
  class Run;
  BpeParts parts_;
  TokenFinder in_raw_, in_normalized_;
  std::unordered_map<TokenId, std::string> added_texts_;
  std::int64_t size_ = 0;
};

// The encoding of one text. Its changed copies live as long as the encoder, whose memory of pieces
// views them.
class BpeTokenizer::Run {
 public:
  Run(const BpeTokenizer& tokenizer, std::string_view text, bool parse)
      : tokenizer_(tokenizer), text_(text), parse_(parse), encoder_(tokenizer.parts_.model) {}

  Encoding encode() {
    if (!parse_)
      return encode_segment(text_), std::move(out_);
    for (const Segment& segment : tokenizer_.in_raw_.split(text_))
      if (segment.token)
        out_.ids.push_back(*segment.token);
      else
        encode_segment(segment.text);
    return std::move(out_);
  }

 private:
  void encode_segment(std::string_view segment) {
    const bool at_begin = segment.data() == text_.data();
    const Normalizer& normalizer = tokenizer_.parts_.normalizer;
    if (!normalizer.empty())
      segment = normalized_.emplace_back(normalizer.apply(segment));
    if (!parse_)
      return encode_pieces(segment, at_begin);
    for (const Segment& part : tokenizer_.in_normalized_.split(segment))
      if (part.token)
        out_.ids.push_back(*part.token);
      else
        encode_pieces(part.text, at_begin && part.text.data() == segment.data());
  }

  void encode_pieces(std::string_view segment, bool at_begin) {
    if (segment.empty())
      return;
    Pieces& pieces = pieces_.emplace_back();
    pieces.views = {segment};
    tokenizer_.parts_.pre_tokenizer.split(pieces, at_begin);
    for (std::string_view piece : pieces.views)
      encoder_.encode(piece, out_);
    pieces.views = {};
  }

  const BpeTokenizer& tokenizer_;
  std::string_view text_;
  bool parse_;
  std::deque<std::string> normalized_;
  std::deque<Pieces> pieces_;
  BpeEncoder encoder_;
  Encoding out_;
};

Encoding BpeTokenizer::encode(std::string_view text, SpecialTokens special) const {
  require_utf8(text, "tokenizer", "text");
  return Run(*this, text, special == SpecialTokens::parsed).encode();
}

std::string BpeTokenizer::decode(const std::vector<TokenId>& ids) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (TokenId id : ids) {
    const auto added = added_texts_.find(id);
    const std::string* text =
        added != added_texts_.end() ? &added->second : parts_.model.vocabulary().text(id);
    if (!text)
      throw Error("tokenizer", "id " + std::to_string(id) + " is outside the vocabulary of " +
                                   std::to_string(size_));
    tokens.push_back(*text);
  }
  return parts_.decoder.decode(std::move(tokens));
}

} // namespace

std::unique_ptr<Tokenizer> make_bpe_tokenizer(BpeParts parts) {
  return std::make_unique<BpeTokenizer>(std::move(parts));
}

} // namespace latticelens
