// What happens to the single tokens of a text: how their losses change, and the places where two
// models differ most, in context.
#pragma once
#include "core/json.h"
#include "evaluate/token_differences.h"
#include "text/tokenizer.h"

namespace latticelens {

/// What an evaluation keeps of a text: for the page.
constexpr std::int64_t kept_places = 20, kept_context = 32;

class TokenChanges {
 public:
  /// Keeps the `places` that differ most; `windows` must outlive this.
  TokenChanges(const TokenWindows& windows, std::int64_t places)
      : windows_(windows), largest_(places) {}

  /// For the `each` of evaluate and compare, against an original.
  void add(const Positions& at);

  /// "loss_changes" and "positions" (docs/run_directory.md), with `context` tokens before each.
  Json to_json(const Tokenizer& tokenizer, std::int64_t context) const;

 private:
  const TokenWindows& windows_;
  std::vector<double> changes_; // of each token's loss
  LargestDifferences largest_;
};

} // namespace latticelens
