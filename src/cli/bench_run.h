// A table of methods on one model, row by row: quantize, evaluate, keep the numbers.
#pragma once
#include "cli/bench_original.h"
#include "cli/bench_rows.h"
#include "cli/text_options.h"

namespace latticelens {

struct BenchSettings {
  std::string model, out;
  TextOptions calibration, text;
  TaskOptions tasks;
  std::uint64_t seed = 0;
  bool keep_models = false, quiet = false;
};

class Bench {
 public:
  /// Opens and reads what the rows share. Errors: those of the model, the texts and the tasks.
  explicit Bench(const BenchSettings& settings);

  const Model& model() const { return original_.model; }
  /// What a folder's finished rows hold for: model, windows, tasks, seed.
  Json identity() const;
  /// Why this model's sizes do not allow the row; empty when they do.
  std::string obstacle(const BenchRow& row) const;
  bool finished(const BenchRow& row) const;
  /// Error: the folder holds a finished row of this name and another method.
  void require_same_method(const BenchRow& row) const;
  /// row.json (docs/run_directory.md): read when the row is finished, else made.
  Json result(const BenchRow& row);
  /// Removes what only unfinished tables need.
  void remove_working_files() const;

 private:
  std::filesystem::path folder_of(const BenchRow& row) const;
  std::filesystem::path hidden_file() const;
  Json make(const BenchRow& row);
  Json quantize(const BenchRow& row, const std::filesystem::path& folder);
  Json measure_text(const std::filesystem::path& folder);
  Json measure_tasks(const std::filesystem::path& folder);

  BenchSettings settings_;
  OpenedModel original_;
  std::string model_hash_;
  TokenWindows calibration_, windows_;
  Questions questions_;
  KeptAnswers answers_;
};

} // namespace latticelens
