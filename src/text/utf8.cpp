#include "text/utf8.h"

#include "core/error.h"
#include <cstdint>
#include <cstring>

namespace latticelens {
namespace {

struct Sequence {
  char32_t code = 0;
  std::size_t length = 1; // of a broken one: the bytes that could still begin a character
  bool valid = false;
};

std::uint8_t byte_at(std::string_view text, std::size_t position) {
  return static_cast<std::uint8_t>(text[position]);
}

// The Unicode standard's table 3-7: the second byte's range depends on the first, which excludes
// overlong forms, surrogates and codes above U+10FFFF.
Sequence read_sequence(std::string_view text, std::size_t position) {
  const std::uint8_t lead = byte_at(text, position);
  if (lead < 0x80)
    return {lead, 1, true};
  if (lead < 0xc2 || lead > 0xf4)
    return {};
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  char32_t code = lead & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (position + i >= text.size())
      return {0, i, false};
    const std::uint8_t next = byte_at(text, position + i);
    if (next < low || next > high)
      return {0, i, false};
    code = code << 6 | (next & 0x3f);
    low = 0x80, high = 0xbf;
  }
  return {code, length, true};
}

bool eight_ascii_bytes(const char* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, 8);
  return !(word & 0x8080808080808080ull);
}

} // namespace

Character character_at(std::string_view text, std::size_t position) {
  const Sequence sequence = read_sequence(text, position);
  return {sequence.code, sequence.length};
}

std::optional<std::size_t> first_invalid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (i + 8 <= text.size() && eight_ascii_bytes(text.data() + i)) {
      i += 8;
      continue;
    }
    const Sequence sequence = read_sequence(text, i);
    if (!sequence.valid)
      return i;
    i += sequence.length;
  }
  return std::nullopt;
}

void require_utf8(std::string_view text, std::string_view part, const std::string& where) {
  if (const auto position = first_invalid_utf8(text))
    throw Error(part, where + ": not UTF-8 at byte " + std::to_string(*position) +
                          "; convert it to UTF-8 first");
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Sequence sequence = read_sequence(text, i);
    if (sequence.valid)
      result += text.substr(i, sequence.length);
    else
      result += "\xef\xbf\xbd";
    i += sequence.length;
  }
  return result;
}

void append_character(std::string& text, char32_t code) {
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | code >> 12);
    tail(6), tail(0);
  } else {
    text += static_cast<char>(0xf0 | code >> 18);
    tail(12), tail(6), tail(0);
  }
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  result.reserve(text.size());
  std::size_t begin = 0;
  for (std::size_t found; (found = text.find(from, begin)) != text.npos;
       begin = found + from.size())
    result.append(text.substr(begin, found - begin)).append(to);
  return result.append(text.substr(begin));
}

} // namespace latticelens
