// Every table of names there is, for `list` and the help topics.
#pragma once
#include "core/json.h"

namespace latticelens {

/// By kind ("formats", "roundings" ...): rows of name, help and what else they have.
Json all_tables();

/// For people to read.
std::string tables_text(const Json& tables);

} // namespace latticelens
