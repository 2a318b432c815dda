// Several runs beside each other: rows of bench's tables, and runs by themselves.
#pragma once
#include "report/run_data.h"

namespace latticelens::report {

struct ComparedRun {
  std::string name, method, preset;
  std::string baseline;         // name of the row that its excess loss is measured by; may be empty
  std::string obstacle;         // why there are no numbers; empty when there are
  bool failed = false;          // of those with an obstacle: it went wrong, it was not skipped
  std::filesystem::path folder; // empty when it has none
  std::optional<RunData> run;
  std::optional<EvaluationRow> evaluation;
  std::optional<TasksRow> tasks;
  std::int64_t calibrated_on = 0; // windows
  double bits_per_weight = absent, seconds = absent, peak_memory = absent, model_bytes = absent;
};

/// Is there a bench.json in this folder?
bool is_table(const std::filesystem::path& folder);

/// The rows of tables and the runs, in the order given. A table's folder may hold rows of earlier
/// tables: they come after those of its bench.json.
std::vector<ComparedRun> read_compared(const std::vector<std::filesystem::path>& folders);

/// Everything on a page that compares. `base`: the folder of the page, when every run has its own
/// page (report.html) in its folder, to link to.
Json comparison_json(const std::vector<ComparedRun>& runs,
                     const std::optional<std::filesystem::path>& base);

} // namespace latticelens::report
