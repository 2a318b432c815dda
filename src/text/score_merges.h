// SentencePiece's BPE has no list of merges: two neighbours are joined if the vocabulary has their
// concatenation, the one of highest score first.
#pragma once
#include "text/vocabulary.h"
#include <span>

namespace latticelens {

struct ScoredMerge {
  TokenId left = 0, right = 0, merged = 0;
  std::uint32_t rank = 0; // equal for equal scores
};

/// Every way to make a token of two others, by falling score, then by the halves' ids. Only ids
/// with `mergeable` take part. Errors: a score that is not a number, a token longer than 256 bytes.
std::vector<ScoredMerge> merges_by_score(const Vocabulary& vocabulary,
                                         std::span<const double> scores,
                                         const std::vector<bool>& mergeable,
                                         const std::string& where);

} // namespace latticelens
