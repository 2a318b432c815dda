#include "text/bpe_model.h"

#include "core/error.h"
#include "text/byte_alphabet.h"
#include "text/utf8.h"
#include <algorithm>
#include <cstdio>
#include <limits>

namespace latticelens {
namespace {

constexpr std::uint32_t no_symbol = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t remembered_length = 64; // bytes; longer pieces hardly ever come again
constexpr std::size_t cut_length = 32;        // pieces above this are cut before they are merged

std::string byte_token(int byte) {
  char text[8];
  std::snprintf(text, sizeof text, "<0x%02X>", byte);
  return text;
}

// The last character of a text, which is not empty.
char32_t last_character(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && (text[begin] & 0xc0) == 0x80)
    --begin;
  return character_at(text, begin).code;
}

} // namespace

BpeModel::BpeModel(Vocabulary vocabulary, MergeTable merges, BpeRules rules)
    : vocabulary_(std::move(vocabulary)), merges_(std::move(merges)), rules_(rules) {
  byte_symbols_.fill(none);
  find_symbols();
  find_junctions();
}

void BpeModel::find_symbols() {
  for (int b = 0; b < 256; ++b) {
    std::string text;
    append_character(text, alphabet_character(static_cast<std::uint8_t>(b)));
    byte_symbols_[b] = vocabulary_.find(rules_.bytes ? text : byte_token(b)).value_or(none);
  }
  near_symbols_.assign(0x10000, none);
  for (TokenId id = 0; id < vocabulary_.size(); ++id) {
    const std::string* text = vocabulary_.text(id);
    if (!text || text->empty())
      continue;
    const Character c = character_at(*text, 0);
    if (c.length != text->size())
      continue;
    if (c.code < near_symbols_.size())
      near_symbols_[c.code] = id;
    else
      far_symbols_[c.code] = id;
  }
}

TokenId BpeModel::symbol(char32_t character) const {
  if (character < near_symbols_.size())
    return near_symbols_[character];
  const auto found = far_symbols_.find(character);
  return found == far_symbols_.end() ? none : found->second;
}

void BpeModel::find_junctions() {
  merges_.for_each([&](TokenId left, TokenId right, const Merge&) {
    const TokenId before = symbol(last_character(*vocabulary_.text(left)));
    const TokenId after = symbol(character_at(*vocabulary_.text(right), 0).code);
    if (before != none && after != none)
      junctions_.add(before, after, {});
  });
}

BpeModel::Unit BpeModel::unit_at(std::string_view piece, std::size_t position) const {
  if (rules_.bytes)
    return {byte_symbols_[static_cast<std::uint8_t>(piece[position])], 1};
  const Character c = character_at(piece, position);
  return {symbol(c.code), c.length};
}

std::optional<TokenId> BpeModel::whole(std::string_view piece) const {
  if (!rules_.bytes)
    return vocabulary_.find(piece);
  std::string text;
  for (char byte : piece)
    append_character(text, alphabet_character(static_cast<std::uint8_t>(byte)));
  return vocabulary_.find(text);
}

// A long piece is cut between two known symbols that no merge can join: the ids are the same, and
// the chunks are short and come again. Next to an unknown character, which may be dropped, no cut.
void BpeEncoder::encode(std::string_view piece, Encoding& out) {
  if (model_.rules_.whole_pieces_first)
    if (const auto id = model_.whole(piece)) {
      out.ids.push_back(*id);
      return;
    }
  if (piece.size() <= cut_length)
    return encode_chunk(piece, out);
  std::size_t begin = 0;
  TokenId before = BpeModel::none;
  for (std::size_t i = 0; i < piece.size();) {
    const BpeModel::Unit unit = model_.unit_at(piece, i);
    if (before != BpeModel::none && unit.id != BpeModel::none &&
        !model_.junctions_.find(before, unit.id)) {
      encode_chunk(piece.substr(begin, i - begin), out);
      begin = i;
    }
    before = unit.id;
    i += unit.length;
  }
  encode_chunk(piece.substr(begin), out);
}

void BpeEncoder::encode_chunk(std::string_view chunk, Encoding& out) {
  if (chunk.size() > remembered_length)
    return merge_chunk(chunk, out);
  const auto [place, fresh] = known_.try_emplace(chunk);
  Known& known = place->second;
  if (fresh) {
    const std::size_t begin = out.ids.size();
    const std::int64_t dropped = out.dropped_bytes;
    merge_chunk(chunk, out);
    known = {known_ids_.size(), out.ids.size() - begin, out.dropped_bytes - dropped};
    known_ids_.insert(known_ids_.end(), out.ids.begin() + static_cast<std::ptrdiff_t>(begin),
                      out.ids.end());
    return;
  }
  const auto begin = known_ids_.begin() + static_cast<std::ptrdiff_t>(known.begin);
  out.ids.insert(out.ids.end(), begin, begin + static_cast<std::ptrdiff_t>(known.count));
  out.dropped_bytes += known.dropped;
}

void BpeEncoder::merge_chunk(std::string_view chunk, Encoding& out) {
  require(chunk.size() < no_symbol, "tokenizer",
          "a piece of text of 4 GiB without a place to cut it; split the text");
  read_symbols(chunk, out);
  candidates_.clear();
  for (std::uint32_t i = 0; i + 1 < symbols_.size(); ++i)
    offer(i);
  while (!candidates_.empty()) {
    std::pop_heap(candidates_.begin(), candidates_.end());
    const Candidate candidate = candidates_.back();
    candidates_.pop_back();
    join(candidate);
  }
  for (std::uint32_t i = 0; i < symbols_.size(); i = symbols_[i].next)
    out.ids.push_back(symbols_[i].id);
}

void BpeEncoder::push_symbol(TokenId id) {
  const auto index = static_cast<std::uint32_t>(symbols_.size());
  if (index > 0)
    symbols_.back().next = index;
  symbols_.push_back({id, index > 0 ? index - 1 : no_symbol, no_symbol});
}

void BpeEncoder::read_symbols(std::string_view chunk, Encoding& out) {
  symbols_.clear();
  bool after_unknown = false;
  for (std::size_t i = 0; i < chunk.size();) {
    const BpeModel::Unit unit = model_.unit_at(chunk, i);
    const std::string_view text = chunk.substr(i, unit.length);
    i += unit.length;
    const bool known = unit.id != BpeModel::none;
    if (known)
      push_symbol(unit.id);
    if (known || fall_back(text)) {
      after_unknown = false;
      continue;
    }
    out.dropped_bytes += static_cast<std::int64_t>(unit.length);
    if (model_.rules_.unknown && !(after_unknown && model_.rules_.fuse_unknown))
      push_symbol(*model_.rules_.unknown);
    after_unknown = true;
  }
}

// Writes a character as its bytes' tokens, if the rules say so and every byte has one.
bool BpeEncoder::fall_back(std::string_view character) {
  if (!model_.rules_.byte_fallback)
    return false;
  const auto token = [&](char byte) {
    return model_.byte_symbols_[static_cast<std::uint8_t>(byte)];
  };
  for (char byte : character)
    if (token(byte) == BpeModel::none)
      return false;
  for (char byte : character)
    push_symbol(token(byte));
  return true;
}

// Puts the pair that begins at `left` among the candidates, if it merges.
void BpeEncoder::offer(std::uint32_t left) {
  const Symbol& symbol = symbols_[left];
  const TokenId right = symbols_[symbol.next].id;
  if (const Merge* merge = model_.merges_.find(symbol.id, right)) {
    candidates_.push_back(
        {static_cast<std::uint64_t>(merge->rank) << 32 | left, symbol.id, right, merge->merged});
    std::push_heap(candidates_.begin(), candidates_.end());
  }
}

// Joins the candidate's pair unless one of its halves has been joined to something else since.
void BpeEncoder::join(const Candidate& candidate) {
  const auto index = static_cast<std::uint32_t>(candidate.order);
  Symbol& left = symbols_[index];
  if (left.id != candidate.left || left.next == no_symbol ||
      symbols_[left.next].id != candidate.right)
    return;
  Symbol& right = symbols_[left.next];
  left.id = candidate.merged;
  left.next = right.next;
  right.id = BpeModel::none;
  if (left.next != no_symbol) {
    symbols_[left.next].previous = index;
    offer(index);
  }
  if (left.previous != no_symbol)
    offer(left.previous);
}

} // namespace latticelens
