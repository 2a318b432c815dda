// Paths as a page shows them.
#pragma once
#include <string>
#include <vector>

namespace latticelens::report {

/// The last part of a path: "wiki.txt" of "data/wiki.txt".
std::string file_name(const std::string& path);
std::vector<std::string> file_names(const std::vector<std::string>& paths);

} // namespace latticelens::report
