#include "evaluate/white_space.h"

#include "text/utf8.h"

namespace latticelens {
namespace {

bool is_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0d) || (code >= 0x1c && code <= 0x20) || code == 0x85 ||
         code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
         code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

} // namespace

std::size_t leading_space(std::string_view text) {
  std::size_t position = 0;
  while (position < text.size()) {
    const Character character = character_at(text, position);
    if (!is_space(character.code))
      break;
    position += character.length;
  }
  return position;
}

std::size_t trailing_space(std::string_view text) {
  std::size_t end = 0; // of the last character that is no space
  for (std::size_t position = 0; position < text.size();) {
    const Character character = character_at(text, position);
    position += character.length;
    if (!is_space(character.code))
      end = position;
  }
  return text.size() - end;
}

} // namespace latticelens
