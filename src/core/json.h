// The only door to the JSON library: parsing with limits, and reading members with errors that name
// the file.
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace latticelens {

using Json = nlohmann::ordered_json;

/// Parses `text`. Errors (naming `where`): bad syntax, invalid UTF-8, nesting deeper than 64, a key
/// twice in one object.
Json parse_json(std::string_view text, const std::string& where);

/// Reads and parses a file of at most `size_limit` bytes.
Json read_json(const std::filesystem::path& path, std::uintmax_t size_limit = 256u << 20);

/// One line, UTF-8 kept as it is; numbers as the shortest text that reads back equal.
std::string to_text(const Json& json);

/// `object[key]` as T; an Error names `where` and the key when it is absent or of another type.
template<typename T>
T member(const Json& object, const std::string& key, const std::string& where);

/// As `member`, with `fallback` where the key is absent or null.
template<typename T>
T member_or(const Json& object, const std::string& key, T fallback, const std::string& where);

} // namespace latticelens
