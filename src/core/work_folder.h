// A folder in which one piece of work is done: a JSON file in it says which, a lock keeps other
// processes out.
#pragma once
#include "core/json.h"

namespace latticelens {

class WorkFolder {
 public:
  /// Starts or continues. `file` ("run.json") holds {"identity", "state", results ...}; when it
  /// holds another identity, or the folder has files but not this one, that is an error that says
  /// what differs.
  WorkFolder(std::filesystem::path path, std::string file, const Json& identity);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  bool finished() const { return finished_; }
  /// Rewrites the file: identity, state, `results`, and a checksum of these.
  void write(bool finished, const Json& results);

 private:
  void require_same_work() const;
  void lock();
  std::filesystem::path path_;
  std::string file_;
  Json identity_;
  bool finished_ = false;
  int lock_ = -1;
};

/// A file that WorkFolder::write wrote. Error: it is not what was written; one without a checksum
/// is older and taken as it is.
Json read_work_file(const std::filesystem::path& file);

} // namespace latticelens
