#include "core/run_directory.h"

#include "core/error.h"
#include "core/files.h"
#include "core/recorded_files.h"
#include <set>

namespace latticelens {
namespace {

/// Names of the files in `part` of a folder, relative to it, that a run keeps records of.
std::set<std::string> recorded_names(const std::filesystem::path& folder, const std::string& part,
                                     bool weights_only) {
  std::set<std::string> names;
  if (!std::filesystem::is_directory(folder / part))
    return names;
  for (const auto& entry : std::filesystem::directory_iterator(folder / part)) {
    const std::filesystem::path file = entry.path().filename();
    const bool weights = file.extension() == ".safetensors";
    if (entry.is_regular_file() && (weights || !weights_only) && file.extension() != ".partial")
      names.insert((std::filesystem::path(part) / file).generic_string());
  }
  return names;
}

std::set<std::string> learned_names(const std::filesystem::path& folder) {
  std::set<std::string> names = recorded_names(folder, "", true);
  names.merge(recorded_names(folder, "learned", true));
  return names;
}

/// Those of all files, hashing what may have been rewritten since it was recorded.
Json records_at_the_end(const std::filesystem::path& folder, const Json& before) {
  Json records = Json::object();
  std::set<std::string> names = recorded_names(folder, "model", false);
  names.merge(learned_names(folder));
  if (std::filesystem::exists(folder / "layers.jsonl"))
    names.insert("layers.jsonl");
  for (const std::string& name : names)
    records[name] = name.ends_with(".safetensors") && before.contains(name)
                        ? before[name]
                        : record_of(folder / name);
  return records;
}

} // namespace

RunDirectory::RunDirectory(std::filesystem::path path, const Json& identity)
    : folder_(std::move(path), "run.json", identity), results_(read_run(folder_.path())),
      records_(records_in(results_)) {
  for (const char* key : {"identity", "state", "files"})
    results_.erase(key);
  make_directory(model());
}

void RunDirectory::write(bool finished, const Json& results) {
  results_ = results;
  if (finished)
    records_ = records_at_the_end(path(), records_);
  Json all = results;
  all["files"] = records_;
  folder_.write(finished, all);
}

void RunDirectory::record(const std::string& name) {
  records_[name] = record_of(path() / name);
  rewrite();
}

void RunDirectory::record_learned() {
  const std::size_t before = records_.size();
  for (const std::string& name : learned_names(path()))
    if (!records_.contains(name))
      records_[name] = record_of(path() / name);
  if (records_.size() > before)
    rewrite();
}

void RunDirectory::forget(const std::string& name) {
  if (records_.erase(name) > 0)
    rewrite();
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
  return read_work_file(path / "run.json");
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
