// Checks a SentencePiece .model before the library sees it: the library trusts the compiled
// normalization rules and some counts, and a damaged file can make it read out of bounds.
#pragma once
#include <string>
#include <string_view>

namespace latticelens {

/// Errors (naming `where`): no protocol buffer, a model type other than unigram and BPE, pieces
/// that are empty, no UTF-8, twice there or without finite score, damaged normalization rules.
void check_sentencepiece_model(std::string_view bytes, const std::string& where);

} // namespace latticelens
