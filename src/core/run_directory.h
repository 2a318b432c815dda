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

  /// Rewrites run.json: identity, state, `results` and the files' records. A finished run has
  /// records of layers.jsonl, of all files in model/ and of all .safetensors files (those of the
  /// shards and of what was learned since they were written).
  void write(bool finished, const Json& results);

  /// What run.json says of the files: see core/recorded_files.h.
  const Json& records() const { return records_; }
  /// Keeps the file's size and checksum in run.json. `name`: relative to the run's folder.
  void record(const std::string& name);
  /// Records the .safetensors files outside model/, as calibration and learning left them.
  void record_learned();
  /// Before a file is written anew: a killed process must leave no record of another file.
  void forget(const std::string& name);
  /// Rewrites layers.jsonl with these rows.
  void write_layers(const std::vector<Json>& rows);
  std::vector<Json> read_layers() const;

 private:
  void rewrite() { write(false, results_); }
  WorkFolder folder_;
  Json results_, records_; // of run.json
};

/// Is there a run.json in this folder?
bool is_run(const std::filesystem::path& path);

/// run.json of a run. Error when it is not one.
Json read_run(const std::filesystem::path& path);

/// One JSON value a line; [] when the file is absent.
std::vector<Json> read_lines(const std::filesystem::path& path);

} // namespace latticelens
