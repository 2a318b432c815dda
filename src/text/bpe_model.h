// Byte-pair encoding of one piece of text: its characters (or bytes) become symbols, and the
// neighbouring pair of lowest rank, leftmost first, is joined until no pair is left.
#pragma once
#include "text/merge_table.h"
#include "text/vocabulary.h"
#include <array>
#include <string_view>
#include <unordered_map>

namespace latticelens {

struct BpeRules {
  bool bytes = false;              // symbols are bytes, written in GPT-2's alphabet
  bool whole_pieces_first = false; // a piece that is a token is taken as it is, whatever the merges
  bool byte_fallback = false;      // a character without token becomes its bytes' tokens <0xNN>
  bool fuse_unknown = false;       // neighbouring unknown characters become one unknown token
  std::optional<TokenId> unknown = {}; // else what has no token is dropped
};

class BpeModel {
 public:
  BpeModel(Vocabulary vocabulary, MergeTable merges, BpeRules rules);

  const Vocabulary& vocabulary() const { return vocabulary_; }
  Vocabulary take_vocabulary() { return std::move(vocabulary_); }
  const MergeTable& merges() const { return merges_; }
  const BpeRules& rules() const { return rules_; }

 private:
  friend class BpeEncoder;
  struct Unit {
    TokenId id = none;
    std::size_t length = 1; // bytes of the text
  };
  static constexpr TokenId none = -1;
  Unit unit_at(std::string_view piece, std::size_t position) const;
  TokenId symbol(char32_t character) const;
  void find_symbols();
  void find_junctions();
  std::optional<TokenId> whole(std::string_view piece) const;

  Vocabulary vocabulary_;
  MergeTable merges_;
  BpeRules rules_;
  std::array<TokenId, 256> byte_symbols_; // tokens of single bytes: of the alphabet, or <0xNN>
  std::vector<TokenId> near_symbols_;     // by character up to U+FFFF
  std::unordered_map<char32_t, TokenId> far_symbols_;
  MergeTable junctions_; // pairs of single-character symbols across which some merge can reach
};

/// Encodes the pieces of one text; remembers what short pieces gave. Not for several threads.
class BpeEncoder {
 public:
  explicit BpeEncoder(const BpeModel& model) : model_(model) {}
  /// Appends the ids of a piece of valid UTF-8.
  void encode(std::string_view piece, Encoding& out);

 private:
  struct Symbol {
    TokenId id;
    std::uint32_t previous, next;
  };
  struct Candidate {
    std::uint64_t order; // rank, then position: what comes first is joined first
    TokenId left, right, merged;
    bool operator<(const Candidate& other) const { return order > other.order; }
  };
  struct Known {
    std::size_t begin, count;
    std::int64_t dropped;
  };
  void encode_chunk(std::string_view chunk, Encoding& out);
  void merge_chunk(std::string_view chunk, Encoding& out);
  void read_symbols(std::string_view chunk, Encoding& out);
  bool fall_back(std::string_view character);
  void push_symbol(TokenId id);
  void offer(std::uint32_t left);
  void join(const Candidate& candidate);

  const BpeModel& model_;
  std::unordered_map<std::string_view, Known> known_; // keys view the texts given to encode
  std::vector<TokenId> known_ids_;
  std::vector<Symbol> symbols_;
  std::vector<Candidate> candidates_; // a heap
};

} // namespace latticelens
