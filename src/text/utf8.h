// UTF-8: validation with the place of the first error, reading and writing characters.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace latticelens {

struct Character {
  char32_t code = 0;
  std::size_t length = 0; // bytes
};

/// The character at `position` of valid UTF-8.
Character character_at(std::string_view text, std::size_t position);

/// The position of the first byte that is not UTF-8; none if the text is valid.
std::optional<std::size_t> first_invalid_utf8(std::string_view text);

/// Error "[part] where: not UTF-8 at byte N ..." unless the text is valid.
void require_utf8(std::string_view text, std::string_view part, const std::string& where);

/// The text with each maximal broken sequence replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

void append_character(std::string& text, char32_t code);

/// Every occurrence of `from` (not empty) replaced by `to`.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

} // namespace latticelens
