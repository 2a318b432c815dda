// The regular expressions of pre-tokenizers. They are written for Oniguruma (Ruby's syntax); only
// what means the same in PCRE2 is accepted.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

/// What becomes of the text that a pattern matches, as Hugging Face names it.
enum class SplitBehaviour { removed, isolated, merged_with_previous, merged_with_next, contiguous };

class SplitRegex {
 public:
  /// Errors (naming `where`): a syntax error, a construct that PCRE2 reads differently.
  SplitRegex(const std::string& pattern, const std::string& where);

  /// Splits each piece (valid UTF-8) and appends the non-empty parts to `out`. With `invert` the
  /// matches are what lies between matches. Error: a match takes more steps than allowed.
  void split(const std::vector<std::string_view>& pieces, SplitBehaviour behaviour, bool invert,
             std::vector<std::string_view>& out) const;

 private:
  std::string where_;
  std::shared_ptr<const void> code_; // pcre2_code
};

/// A pattern that matches `text` itself.
std::string quote_regex(std::string_view text);

} // namespace latticelens
