// What a tokenizer does to a text before it splits it.
#pragma once
#include "core/json.h"
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

class Normalizer {
 public:
  Normalizer() = default;
  /// Reads the "normalizer" of a tokenizer.json (null: none): Sequence, Prepend, Replace of a
  /// string, NFC, NFD, NFKC, NFKD. Error: any other, naming it.
  Normalizer(const Json& json, const std::string& where);

  bool empty() const { return steps_.empty(); }
  /// `text` is valid UTF-8.
  std::string apply(std::string_view text) const;

 private:
  enum class Kind { prepend, replace, nfc, nfd, nfkc, nfkd };
  struct Step {
    Kind kind;
    std::string from, to; // of replace; what is prepended is in `to`
  };
  void read(const Json& json, const std::string& where);
  std::vector<Step> steps_;
};

} // namespace latticelens
