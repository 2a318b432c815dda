// The values an option can have, by the type name that its help text shows: what completion offers.
#pragma once
#include <string>
#include <vector>

namespace latticelens {

/// "bf16|fp32": these. "PRESET", "FORMAT" ...: the names of that table. Else nothing.
/// "TASK,...": several of them, separated by commas.
std::vector<std::string> choices_of(const std::string& type_name);

/// Whether several values are given, separated by commas.
bool is_list(const std::string& type_name);

/// Whether the value is a path: FILE, DIR, PATH.
bool is_path(const std::string& type_name);

} // namespace latticelens
