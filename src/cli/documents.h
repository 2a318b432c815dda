// Pages of docs/, kept in the program by cmake/Documents.cmake.
#pragma once
#include <string>
#include <string_view>

namespace latticelens {

/// The text of docs/NAME.md. Error: it was not kept.
std::string document(std::string_view name);

} // namespace latticelens
