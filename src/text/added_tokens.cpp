#include "text/added_tokens.h"

#include "text/utf8.h"
#include <algorithm>

namespace latticelens {
namespace {

bool white_space(char32_t c) {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

std::size_t skip_space_after(std::string_view text, std::size_t position) {
  while (position < text.size()) {
    const Character c = character_at(text, position);
    if (!white_space(c.code))
      break;
    position += c.length;
  }
  return position;
}

std::size_t skip_space_before(std::string_view text, std::size_t position, std::size_t limit) {
  while (position > limit) {
    std::size_t begin = position - 1;
    while (begin > limit && (text[begin] & 0xc0) == 0x80)
      --begin;
    if (!white_space(character_at(text, begin).code))
      break;
    position = begin;
  }
  return position;
}

} // namespace

void TokenFinder::add(const AddedToken& token) {
  if (token.text.empty())
    return;
  tokens_[token.text] = token;
  auto& lengths = lengths_[static_cast<unsigned char>(token.text[0])];
  const auto place =
      std::lower_bound(lengths.begin(), lengths.end(), token.text.size(), std::greater<>());
  if (place == lengths.end() || *place != token.text.size())
    lengths.insert(place, token.text.size());
}

const AddedToken* TokenFinder::token_at(std::string_view text, std::size_t position) const {
  for (std::size_t length : lengths_[static_cast<unsigned char>(text[position])]) {
    if (length > text.size() - position)
      continue;
    const auto found = tokens_.find(text.substr(position, length));
    if (found != tokens_.end())
      return &found->second;
  }
  return nullptr;
}

std::vector<Segment> TokenFinder::split(std::string_view text) const {
  std::vector<Segment> segments;
  std::size_t done = 0;
  const auto take_text = [&](std::size_t end) {
    if (end > done)
      segments.push_back({text.substr(done, end - done), std::nullopt});
  };
  for (std::size_t i = 0; i < text.size();) {
    const AddedToken* token = token_at(text, i);
    if (!token) {
      ++i;
      continue;
    }
    const std::size_t begin = token->takes_space_before ? skip_space_before(text, i, done) : i;
    const std::size_t end = token->takes_space_after
                                ? skip_space_after(text, i + token->text.size())
                                : i + token->text.size();
    take_text(begin);
    segments.push_back({text.substr(begin, end - begin), token->id});
    done = i = end;
  }
  take_text(text.size());
  return segments;
}

} // namespace latticelens
