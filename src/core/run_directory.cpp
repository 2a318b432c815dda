#include "core/run_directory.h"

#include "core/error.h"
#include "core/files.h"
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace latticelens {
namespace {

std::string difference(const Json& here, const Json& wanted) {
  for (const auto& [key, value] : wanted.items())
    if (!here.contains(key) || here[key] != value)
      return key + " is " + (here.contains(key) ? to_text(here[key]) : "absent") + " there, " +
             to_text(value) + " here";
  return "its run.json has other keys";
}

void require_same_run(const std::filesystem::path& path, const Json& identity) {
  const Json here = member<Json>(read_run(path), "identity", (path / "run.json").string());
  if (here != identity)
    throw Error("run", path.string() + ": belongs to another run (" + difference(here, identity) +
                           "); choose another --out, or remove the folder");
}

} // namespace

RunDirectory::RunDirectory(std::filesystem::path path, const Json& identity)
    : path_(std::move(path)), identity_(identity) {
  const bool exists = std::filesystem::exists(path_);
  require(!exists || std::filesystem::is_directory(path_), "run",
          path_.string() + ": is a file; choose another --out");
  const bool known = is_run(path_);
  if (!known && exists) {
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      require(entry.path().filename() == ".lock", "run",
              path_.string() + ": is not empty and holds no run.json; choose another --out");
  }
  if (known)
    require_same_run(path_, identity);
  make_directory(path_);
  lock_ = ::open((path_ / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  require(lock_ >= 0, "run",
          path_.string() + ": cannot be written; choose a folder where you may write");
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    throw Error("run",
                path_.string() +
                    ": another process works in this folder; wait for it or choose another --out");
  }
  if (known)
    finished_ = member_or<std::string>(read_run(path_), "state", "", "run.json") == "finished";
  make_directory(model());
  if (!known)
    write(false, Json::object());
}

RunDirectory::~RunDirectory() {
  ::close(lock_);
}

void RunDirectory::write(bool finished, const Json& results) {
  Json run = {{"identity", identity_}, {"state", finished ? "finished" : "running"}};
  run.update(results);
  write_text(path_ / "run.json", run.dump(2) + "\n");
  finished_ = finished;
}

void RunDirectory::write_layers(const std::vector<Json>& rows) {
  std::string text;
  for (const Json& row : rows)
    text += to_text(row) + "\n";
  write_text(path_ / "layers.jsonl", text);
}

std::vector<Json> RunDirectory::read_layers() const {
  return read_lines(path_ / "layers.jsonl");
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
