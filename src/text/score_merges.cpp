#include "text/score_merges.h"

#include "core/error.h"
#include <algorithm>
#include <cmath>
#include <tuple>

namespace latticelens {
namespace {

// Each of a token's cuts costs two look-ups of its length; known vocabularies stay below 100 bytes.
constexpr std::size_t token_limit = 256;

void append_cuts(const Vocabulary& vocabulary, TokenId merged, const std::vector<bool>& mergeable,
                 std::vector<ScoredMerge>& merges) {
  const std::string_view text = *vocabulary.text(merged);
  const auto part = [&](std::string_view piece) {
    const auto id = vocabulary.find(piece);
    return id && mergeable[static_cast<std::size_t>(*id)] ? id : std::nullopt;
  };
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    if ((text[cut] & 0xc0) == 0x80) // inside a character
      continue;
    const auto left = part(text.substr(0, cut));
    const auto right = left ? part(text.substr(cut)) : std::nullopt;
    if (right)
      merges.push_back({*left, *right, merged});
  }
}

} // namespace

std::vector<ScoredMerge> merges_by_score(const Vocabulary& vocabulary,
                                         std::span<const double> scores,
                                         const std::vector<bool>& mergeable,
                                         const std::string& where) {
  std::vector<ScoredMerge> merges;
  const auto score = [&](TokenId id) { return scores[static_cast<std::size_t>(id)]; };
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (!mergeable[static_cast<std::size_t>(id)])
      continue;
    const bool too_long = vocabulary.text(id)->size() > token_limit;
    if (too_long || std::isnan(score(id)))
      throw Error("tokenizer", where + ": " +
                                   (too_long ? "token " + std::to_string(id) +
                                                   " is longer than 256 bytes; damaged file?"
                                             : "the score of token " + std::to_string(id) +
                                                   " is not a number; damaged file?"));
    append_cuts(vocabulary, id, mergeable, merges);
  }
  std::sort(merges.begin(), merges.end(), [&](const ScoredMerge& a, const ScoredMerge& b) {
    return std::tuple(-score(a.merged), a.left, a.right) <
           std::tuple(-score(b.merged), b.left, b.right);
  });
  for (std::size_t i = 1; i < merges.size(); ++i)
    merges[i].rank =
        merges[i - 1].rank + (score(merges[i].merged) != score(merges[i - 1].merged) ? 1 : 0);
  return merges;
}

} // namespace latticelens
