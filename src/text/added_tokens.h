// The tokens that stand beside a vocabulary's own, such as <s>, and finding them in a text.
#pragma once
#include "text/tokenizer.h"
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace latticelens {

struct AddedToken {
  TokenId id = 0;
  std::string text;
  bool special = true;
  bool normalized = false;         // looked for in the normalized text
  bool takes_space_before = false; // white space beside it belongs to it
  bool takes_space_after = false;
};

/// A part of a text: a token, or what lies between tokens.
struct Segment {
  std::string_view text;
  std::optional<TokenId> token;
};

/// Finds tokens from left to right, the longest first.
class TokenFinder {
 public:
  /// `token.text` is what is looked for; an empty one is never found.
  void add(const AddedToken& token);
  /// The non-empty segments of `text`, in order.
  std::vector<Segment> split(std::string_view text) const;

 private:
  const AddedToken* token_at(std::string_view text, std::size_t position) const;
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, AddedToken, Hash, std::equal_to<>> tokens_;
  std::vector<std::size_t> lengths_[256]; // of the tokens that begin with a byte, longest first
};

} // namespace latticelens
