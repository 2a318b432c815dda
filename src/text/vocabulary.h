// Token texts by id, and ids by text.
#pragma once
#include "text/tokenizer.h"
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace latticelens {

class Vocabulary {
 public:
  /// Errors (naming `where`): an id below 0 or above 4,194,303, a text or an id twice.
  void add(const std::string& text, std::int64_t id, const std::string& where);

  std::optional<TokenId> find(std::string_view text) const;
  /// Null for an id that no token has.
  const std::string* text(std::int64_t id) const;
  /// The highest id plus one.
  std::int64_t size() const { return static_cast<std::int64_t>(texts_.size()); }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, TokenId, Hash, std::equal_to<>> ids_;
  std::vector<const std::string*> texts_; // keys of ids_, which never move
};

} // namespace latticelens
