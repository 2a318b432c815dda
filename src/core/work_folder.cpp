#include "core/work_folder.h"

#include "core/error.h"
#include "core/files.h"
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace latticelens {
namespace {

const char* const checksum = "checksum";

std::string difference(const Json& here, const Json& wanted, const std::string& file) {
  for (const auto& [key, value] : wanted.items())
    if (!here.contains(key) || here[key] != value)
      return key + " is " + (here.contains(key) ? to_text(here[key]) : "absent") + " there, " +
             to_text(value) + " here";
  return "its " + file + " has other keys";
}

/// Its lock apart, and what a process left that was killed while it wrote `file` for the first
/// time.
void require_empty(const std::filesystem::path& path, const std::string& file) {
  for (const auto& entry : std::filesystem::directory_iterator(path))
    require(entry.path().filename() == ".lock" ||
                entry.path().filename() == AtomicFile::temporary_name(file),
            "run",
            path.string() + ": is not empty and holds no " + file + "; choose another --out");
}

} // namespace

WorkFolder::WorkFolder(std::filesystem::path path, std::string file, const Json& identity)
    : path_(std::move(path)), file_(std::move(file)), identity_(identity) {
  const bool exists = std::filesystem::exists(path_);
  require(!exists || std::filesystem::is_directory(path_), "run",
          path_.string() + ": is a file; choose another --out");
  const bool known = std::filesystem::exists(path_ / file_);
  if (known)
    require_same_work();
  else if (exists)
    require_empty(path_, file_);
  make_directory(path_);
  lock();
  if (known)
    finished_ =
        member_or<std::string>(read_work_file(path_ / file_), "state", "", file_) == "finished";
  else
    write(false, Json::object());
}

WorkFolder::~WorkFolder() {
  ::close(lock_);
}

void WorkFolder::require_same_work() const {
  const std::filesystem::path file = path_ / file_;
  const Json here = member<Json>(read_work_file(file), "identity", file.string());
  if (here != identity_)
    throw Error("run", path_.string() + ": belongs to another " + file.stem().string() + " (" +
                           difference(here, identity_, file_) +
                           "); choose another --out, or remove the folder");
}

void WorkFolder::lock() {
  lock_ = ::open((path_ / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  require(lock_ >= 0, "run",
          path_.string() + ": cannot be written; choose a folder where you may write");
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0)
    return;
  ::close(lock_);
  throw Error("run",
              path_.string() +
                  ": another process works in this folder; wait for it or choose another --out");
}

void WorkFolder::write(bool finished, const Json& results) {
  Json all = {{"identity", identity_}, {"state", finished ? "finished" : "running"}};
  all.update(results);
  all[checksum] = text_hash(to_text(all));
  write_text(path_ / file_, all.dump(2) + "\n");
  finished_ = finished;
}

Json read_work_file(const std::filesystem::path& file) {
  Json all = read_json(file);
  if (!all.is_object() || !all.contains(checksum))
    return all;
  const auto written = member<std::string>(all, checksum, file.string());
  all.erase(checksum);
  require(text_hash(to_text(all)) == written, "run",
          file.string() + ": is not what was written (its checksum differs); restore the file, or "
                          "make the folder anew");
  return all;
}

} // namespace latticelens
