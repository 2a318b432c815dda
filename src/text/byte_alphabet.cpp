#include "text/byte_alphabet.h"

#include "text/utf8.h"
#include <array>

namespace latticelens {
namespace {

constexpr bool printable(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

constexpr int alphabet_end = 0x144; // 68 bytes are not printable: U+0100 to U+0143

struct Alphabet {
  std::array<char32_t, 256> character{};
  std::array<std::int16_t, alphabet_end> byte{};
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  alphabet.byte.fill(-1);
  char32_t next = 0x100;
  for (int b = 0; b < 256; ++b) {
    alphabet.character[b] = printable(b) ? static_cast<char32_t>(b) : next++;
    alphabet.byte[alphabet.character[b]] = static_cast<std::int16_t>(b);
  }
  return alphabet;
}

constexpr Alphabet alphabet = make_alphabet();

} // namespace

char32_t alphabet_character(std::uint8_t byte) {
  return alphabet.character[byte];
}

std::optional<std::uint8_t> alphabet_byte(char32_t character) {
  if (character >= alphabet_end || alphabet.byte[character] < 0)
    return std::nullopt;
  return static_cast<std::uint8_t>(alphabet.byte[character]);
}

std::string alphabet_to_bytes(std::string_view token) {
  std::string bytes;
  for (std::size_t i = 0; i < token.size();) {
    const Character c = character_at(token, i);
    const auto byte = alphabet_byte(c.code);
    if (!byte)
      return std::string(token);
    bytes += static_cast<char>(*byte);
    i += c.length;
  }
  return bytes;
}

} // namespace latticelens
