// The best path of a SentencePiece unigram model. Library versions before 0.2.1 add up scores in
// fp32 along the whole text, so that long texts are split less and less exactly; newer ones start
// over at 100,000. This gives the newer ones' ids whatever version is installed.
#pragma once
#include "text/pair_table.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer.h"
#include <array>

namespace latticelens {

class UnigramModel {
 public:
  explicit UnigramModel(const SentencePieceModel& model);
  /// Appends the ids of a normalized text (valid UTF-8).
  void encode(std::string_view text, Encoding& out) const;

 private:
  static constexpr TokenId none = -1;
  struct Node { // the best path that ends at a byte
    float score = 0;
    TokenId id = none;       // its last piece; none: an unknown character
    std::int64_t begin = -1; // of that piece; -1: no path ends here
  };
  void add_piece(const Piece& piece, TokenId id);
  void extend(std::string_view text, std::size_t begin, std::vector<Node>& nodes) const;
  void start_over(std::size_t begin, std::vector<Node>& nodes) const;
  float score_of(TokenId id, std::size_t length) const;
  void write_unknown(std::string_view character, bool after_unknown, Encoding& out) const;

  PairTable<std::int32_t> children_; // of a trie of the pieces: (node, byte) to node
  std::vector<TokenId> ids_;         // by trie node
  std::vector<float> scores_;        // by id
  std::vector<bool> user_defined_;   // by id
  std::array<TokenId, 256> bytes_;
  bool byte_fallback_ = false;
  TokenId unknown_ = none;
  float unknown_score_ = 0;
  std::size_t longest_ = 4; // bytes of a piece or an unknown character
};

} // namespace latticelens
