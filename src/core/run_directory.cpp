#include "core/run_directory.h"

#include "core/error.h"
#include "core/files.h"

namespace latticelens {
RunDirectory::RunDirectory(std::filesystem::path path, const Json& identity)
    : folder_(std::move(path), "run.json", identity) {
  make_directory(model());
}

void RunDirectory::write_layers(const std::vector<Json>& rows) {
  std::string text;
  for (const Json& row : rows)
    text += to_text(row) + "\n";
  write_text(path() / "layers.jsonl", text);
}

std::vector<Json> RunDirectory::read_layers() const {
  return read_lines(path() / "layers.jsonl");
}

bool is_run(const std::filesystem::path& path) {
  return std::filesystem::exists(path / "run.json");
}

Json read_run(const std::filesystem::path& path) {
  require(is_run(path), "run",
          path.string() + ": has no run.json; give the folder that quantize wrote");
  return read_json(path / "run.json");
}

std::vector<Json> read_lines(const std::filesystem::path& path) {
  std::vector<Json> rows;
  if (!std::filesystem::exists(path))
    return rows;
  const std::string text = read_text(path);
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    rows.push_back(parse_json(std::string_view(text).substr(start, end - start),
                              path.string() + " line " + std::to_string(rows.size() + 1)));
    start = end + 1;
  }
  return rows;
}

} // namespace latticelens
