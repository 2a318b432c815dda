// GPT-2's alphabet: every byte has a printable character that stands for it in a vocabulary.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace latticelens {

/// The character that stands for a byte: itself where it is printable Latin-1, else one from U+0100
/// on.
char32_t alphabet_character(std::uint8_t byte);

/// The byte that a character stands for.
std::optional<std::uint8_t> alphabet_byte(char32_t character);

/// The bytes that a token stands for; a token with a character outside the alphabet is its own
/// text.
std::string alphabet_to_bytes(std::string_view token);

} // namespace latticelens
