// Texts of files and paths made fit for a page.
#pragma once
#include <string>
#include <string_view>

namespace latticelens::report {

/// Valid UTF-8 without control characters: what cannot stand in HTML becomes U+FFFD.
std::string printable(std::string_view text);

/// `plain` as the text of an HTML element.
std::string escaped(std::string_view plain);

} // namespace latticelens::report
