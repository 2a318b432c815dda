// White space of all scripts, at the ends of texts.
#pragma once
#include <string_view>

namespace latticelens {

/// Bytes of white space at the start and at the end of valid UTF-8.
std::size_t leading_space(std::string_view text);
std::size_t trailing_space(std::string_view text);

} // namespace latticelens
