#include "core/words.h"

#include "core/error.h"
#include <charconv>
#include <cmath>

namespace latticelens {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text)
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

std::vector<std::string> words_of(std::string_view text, char separator) {
  std::vector<std::string> words = split(text, separator);
  std::erase(words, "");
  return words;
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts)
    text += (&part == parts.data() ? "" : separator) + part;
  return text;
}

double parse_number(std::string_view text, const std::string& prefix, std::string_view whole) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc() && end == text.data() + text.size() && std::isfinite(value), prefix,
          "\"" + std::string(text) + "\" in \"" + std::string(whole) + "\" is no number");
  return value;
}

std::string shortest(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

} // namespace latticelens
