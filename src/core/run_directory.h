// A run's folder: run.json, layers.jsonl, metrics.jsonl and the model. The contract between
// commands.
#pragma once
#include "core/json.h"
#include <filesystem>
#include <vector>

namespace latticelens {

class RunDirectory {
 public:
  /// Starts or continues a run. `identity` says what the run is (method, model, text, seed ...):
  /// when the folder holds another one, or files that are no run, that is an error that says what
  /// differs. Holds a lock while it lives.
  RunDirectory(std::filesystem::path path, const Json& identity);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path model() const { return path_ / "model"; }
  bool finished() const { return finished_; }

  /// Rewrites run.json: identity, state, and `results`.
  void write(bool finished, const Json& results);
  /// Rewrites layers.jsonl with these rows.
  void write_layers(const std::vector<Json>& rows);
  std::vector<Json> read_layers() const;

 private:
  std::filesystem::path path_;
  Json identity_;
  bool finished_ = false;
  int lock_ = -1;
};

/// Is there a run.json in this folder?
bool is_run(const std::filesystem::path& path);

/// run.json of a run. Error when it is not one.
Json read_run(const std::filesystem::path& path);

/// One JSON value a line; [] when the file is absent.
std::vector<Json> read_lines(const std::filesystem::path& path);

} // namespace latticelens
