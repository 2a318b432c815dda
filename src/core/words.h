// Splitting the short texts that name formats and methods.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

/// The parts between separators, empty ones included.
std::vector<std::string> split(std::string_view text, char separator);

/// As split, without the empty parts that repeated separators leave.
std::vector<std::string> words_of(std::string_view text, char separator);

std::string joined(const std::vector<std::string>& parts, const char* separator);

/// The names of a table's rows: "rtn, gptq".
template<typename Rows>
std::string names_of(const Rows& rows) {
  std::string names;
  for (const auto& row : rows)
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

/// A finite number, nothing after it. The error has the prefix and quotes the whole text.
double parse_number(std::string_view text, const std::string& prefix, std::string_view whole);

/// The shortest text that parse_number reads back as the same number.
std::string shortest(double value);

} // namespace latticelens
