#include "text/unigram.h"

#include "text/utf8.h"
#include <algorithm>
#include <cmath>
#include <string>

namespace latticelens {
namespace {

constexpr float start_over_at = 100000.0f;
constexpr float unknown_penalty = 10.0f;

} // namespace

UnigramModel::UnigramModel(const SentencePieceModel& model)
    : ids_(1, none), byte_fallback_(model.byte_fallback) {
  bytes_.fill(none);
  float lowest = 0;
  bool any = false;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    const Piece& piece = model.pieces[i];
    const auto id = static_cast<TokenId>(i);
    scores_.push_back(piece.score);
    user_defined_.push_back(piece.type == PieceType::user_defined);
    if (piece.type == PieceType::normal) {
      lowest = any ? std::min(lowest, piece.score) : piece.score;
      any = true;
    }
    if (piece.type == PieceType::normal || piece.type == PieceType::user_defined)
      add_piece(piece, id);
    else if (piece.type == PieceType::unknown)
      unknown_ = id;
    else if (piece.type == PieceType::byte)
      bytes_[std::stoul(piece.text.substr(3, 2), nullptr, 16)] = id;
  }
  unknown_score_ = lowest - unknown_penalty;
}

void UnigramModel::add_piece(const Piece& piece, TokenId id) {
  std::int32_t node = 0;
  for (char c : piece.text) {
    const auto byte = static_cast<std::uint8_t>(c);
    const std::int32_t* child = children_.find(node, byte);
    if (!child) {
      children_.add(node, byte, static_cast<std::int32_t>(ids_.size()));
      ids_.push_back(none);
    }
    node = child ? *child : static_cast<std::int32_t>(ids_.size()) - 1;
  }
  ids_[static_cast<std::size_t>(node)] = id;
  longest_ = std::max(longest_, piece.text.size());
}

float UnigramModel::score_of(TokenId id, std::size_t length) const {
  const auto index = static_cast<std::size_t>(id);
  return user_defined_[index] ? static_cast<float>(0.1 * static_cast<double>(length - 1))
                              : scores_[index];
}

// Lowers the sums that are still to be extended, so that fp32 keeps telling their differences.
void UnigramModel::start_over(std::size_t begin, std::vector<Node>& nodes) const {
  const float offset = nodes[begin].score;
  const std::size_t end = std::min(begin + longest_, nodes.size() - 1);
  for (std::size_t i = begin; i <= end; ++i)
    if (i == begin || nodes[i].begin >= 0)
      nodes[i].score -= offset;
}

// Tries every piece that begins at `begin`, and the unknown character if no piece is one character.
// Equal sums: the longer last piece, which is tried first, stays.
void UnigramModel::extend(std::string_view text, std::size_t begin,
                          std::vector<Node>& nodes) const {
  if (std::abs(nodes[begin].score) > start_over_at)
    start_over(begin, nodes);
  const float so_far = nodes[begin].score;
  const auto offer = [&](std::size_t end, TokenId id, float score) {
    Node& node = nodes[end];
    if (node.begin < 0 || so_far + score > node.score)
      node = {so_far + score, id, static_cast<std::int64_t>(begin)};
  };
  const std::size_t character_end = begin + character_at(text, begin).length;
  bool has_character = false;
  std::int32_t trie_node = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const std::int32_t* child = children_.find(trie_node, static_cast<std::uint8_t>(text[i]));
    if (!child)
      break;
    trie_node = *child;
    const TokenId id = ids_[static_cast<std::size_t>(trie_node)];
    if (id == none)
      continue;
    offer(i + 1, id, score_of(id, i + 1 - begin));
    has_character |= i + 1 == character_end;
  }
  if (!has_character)
    offer(character_end, none, unknown_score_);
}

void UnigramModel::encode(std::string_view text, Encoding& out) const {
  std::vector<Node> nodes(text.size() + 1);
  for (std::size_t i = 0; i < text.size(); i += character_at(text, i).length)
    extend(text, i, nodes);
  std::vector<std::size_t> ends; // of the best path's pieces, from the last to the first
  for (std::size_t end = text.size(); end > 0; end = static_cast<std::size_t>(nodes[end].begin))
    ends.push_back(end);
  bool after_unknown = false;
  for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
    const Node& node = nodes[*end];
    const auto begin = static_cast<std::size_t>(node.begin);
    if (node.id == none)
      write_unknown(text.substr(begin, *end - begin), after_unknown, out);
    else
      out.ids.push_back(node.id);
    after_unknown = node.id == none;
  }
}

// Bytes where the model has them; else one unknown token for a run of unknown characters.
void UnigramModel::write_unknown(std::string_view character, bool after_unknown,
                                 Encoding& out) const {
  if (byte_fallback_) {
    for (char byte : character)
      out.ids.push_back(bytes_[static_cast<std::uint8_t>(byte)]);
    return;
  }
  out.dropped_bytes += static_cast<std::int64_t>(character.size());
  if (!after_unknown)
    out.ids.push_back(unknown_);
}

} // namespace latticelens
