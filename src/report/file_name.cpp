#include "report/file_name.h"

#include "report/printable.h"
#include <filesystem>

namespace latticelens::report {

std::string file_name(const std::string& path) {
  const std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
  const std::filesystem::path name =
      normal.has_filename() ? normal.filename() : normal.parent_path().filename();
  return printable(name.empty() || name == "." || name == ".." ? path : name.string());
}

std::vector<std::string> file_names(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (const std::string& path : paths)
    names.push_back(file_name(path));
  return names;
}

} // namespace latticelens::report
