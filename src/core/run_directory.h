// A run's folder: run.json, layers.jsonl, metrics.jsonl and the model. The contract between
// commands.
#pragma once
#include "core/work_folder.h"
#include <vector>

namespace latticelens {

class RunDirectory {
 public:
  /// Starts or continues a run. `identity` says what the run is (method, model, text, seed ...).
  /// Errors: those of WorkFolder.
  RunDirectory(std::filesystem::path path, const Json& identity);

  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path model() const { return path() / "model"; }
  bool finished() const { return folder_.finished(); }

  /// Rewrites run.json: identity, state, and `results`.
  void write(bool finished, const Json& results) { folder_.write(finished, results); }
  /// Rewrites layers.jsonl with these rows.
  void write_layers(const std::vector<Json>& rows);
  std::vector<Json> read_layers() const;

 private:
  WorkFolder folder_;
};

/// Is there a run.json in this folder?
bool is_run(const std::filesystem::path& path);

/// run.json of a run. Error when it is not one.
Json read_run(const std::filesystem::path& path);

/// One JSON value a line; [] when the file is absent.
std::vector<Json> read_lines(const std::filesystem::path& path);

} // namespace latticelens
