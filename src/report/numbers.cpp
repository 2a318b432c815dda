#include "report/numbers.h"

#include "core/progress.h"
#include <algorithm>
#include <cstdio>

namespace latticelens::report {
namespace {

constexpr const char* dash = "–";
constexpr const char* minus = "−";

std::string printed(double value, int decimals) {
  char text[352]; // the largest double has 309 digits before the point
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

/// Commas between groups of three, a true minus sign, and no minus before a rounded zero.
std::string polished(std::string text) {
  const bool negative = text[0] == '-' && text.find_first_of("123456789") != std::string::npos;
  text.erase(0, text[0] == '-' ? 1 : 0);
  std::size_t end = std::min(text.find('.'), text.size());
  while (end > 3) {
    end -= 3;
    text.insert(end, ",");
  }
  return negative ? minus + text : text;
}

std::string superscript(std::int64_t number) {
  static const char* const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text;
  for (const char c : std::to_string(number))
    text += c == '-' ? "⁻" : digits[c - '0'];
  return text;
}

/// A value as mantissa × 10^exponent after rounding to `digits` (9.996 is 1.00e1 at 3 digits).
struct Scientific {
  std::string mantissa;
  int exponent = 0;
};

Scientific scientific(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*e", digits - 1, value);
  const std::string text = buffer;
  const std::size_t e = text.find('e');
  return {text.substr(0, e), std::stoi(text.substr(e + 1))};
}

} // namespace

std::string significant(double value, int digits) {
  if (!known(value))
    return dash;
  if (value == 0)
    return "0";
  const auto [mantissa, exponent] = scientific(value, digits);
  if (exponent >= 12 || exponent < -4)
    return polished(mantissa) + " × " + power_of_ten(exponent);
  return polished(printed(value, std::max(0, digits - 1 - exponent)));
}

std::string trimmed(double value, int digits) {
  std::string text = significant(value, digits);
  if (text.find('.') == std::string::npos || text.find("×") != std::string::npos)
    return text;
  while (text.back() == '0')
    text.pop_back();
  if (text.back() == '.')
    text.pop_back();
  return text;
}

std::string fixed(double value, int decimals) {
  if (!known(value))
    return dash;
  if (std::abs(value) >= 1e12)
    return significant(value, 4);
  return polished(printed(value, decimals));
}

std::string whole(std::int64_t value) {
  return polished(std::to_string(value));
}

std::string percent(double share, int digits) {
  return known(share) ? significant(100 * share, digits) + " %" : dash;
}

std::string trimmed_percent(double share, int digits) {
  return known(share) ? trimmed(100 * share, digits) + " %" : dash;
}

std::string size_text(double bytes) {
  return known(bytes) ? bytes_text(static_cast<std::int64_t>(bytes)) : dash;
}

std::string time_text(double seconds) {
  return known(seconds) ? duration_text(seconds) : dash;
}

std::string power_of_two(std::int64_t exponent) {
  return "2" + superscript(exponent);
}

std::string power_of_ten(std::int64_t exponent) {
  return "10" + superscript(exponent);
}

std::string count_of(std::int64_t count, const std::string& noun) {
  return whole(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string coordinate(double value) {
  std::string text = printed(known(value) ? value : 0, 2);
  while (text.back() == '0')
    text.pop_back();
  if (text.back() == '.')
    text.pop_back();
  return text == "-0" ? "0" : text;
}

} // namespace latticelens::report
