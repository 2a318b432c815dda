// The pieces of a SentencePiece .model. Read before the library sees the file: the library trusts
// the compiled normalization rules and some counts, and a damaged file can make it read out of
// bounds.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

enum class PieceType { normal = 1, unknown, control, user_defined, unused, byte };

struct Piece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::normal;
};

struct SentencePieceModel {
  std::vector<Piece> pieces; // by id
  bool unigram = true;       // else BPE
  bool byte_fallback = false;
};

/// Errors (naming `where`): no protocol buffer, a model type other than unigram and BPE, pieces
/// that are empty, no UTF-8, twice there or without finite score, damaged normalization rules.
SentencePieceModel read_sentencepiece_model(std::string_view bytes, const std::string& where);

} // namespace latticelens
