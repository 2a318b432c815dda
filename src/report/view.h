// A run as its page shows it: the data, what follows from it, and the runs beside it.
#pragma once
#include "report/layer_table.h"
#include "report/run_data.h"

namespace latticelens::report {

struct View {
  const RunData& run;
  std::vector<RunData> compared;
  LayerTable layers;
  const EvaluationRow* evaluation = nullptr; // the one that the verdict is about; may be none
};

View make_view(const RunData& run, const std::vector<RunData>& compared);

/// The last evaluation against an original, else the last one, else none.
const EvaluationRow* main_evaluation(const RunData& run);

/// Activations that were NaN or infinite, in calibration and in all evaluations.
std::int64_t not_finite_activations(const RunData& run);

/// The last part of a path: "wiki.txt" of "data/wiki.txt".
std::string file_name(const std::string& path);
std::string file_names(const std::vector<std::string>& paths);

/// The model's file name, or "model" when the run does not say.
std::string model_name(const RunData& run);

/// The preset, or "own method".
std::string method_name(const RunData& run);

} // namespace latticelens::report
