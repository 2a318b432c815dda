#include "report/view.h"

namespace latticelens::report {

View make_view(const RunData& run, const std::vector<RunData>& compared) {
  return {run, compared, layer_table(run), main_evaluation(run)};
}

const EvaluationRow* main_evaluation(const RunData& run) {
  const EvaluationRow* chosen = nullptr;
  for (const EvaluationRow& row : run.evaluations)
    if (chosen == nullptr || known(row.kl) || !known(chosen->kl))
      chosen = &row;
  return chosen;
}

std::int64_t not_finite_activations(const RunData& run) {
  std::int64_t count = run.calibration_activations ? run.calibration_activations->not_finite : 0;
  for (const EvaluationRow& row : run.evaluations)
    count += row.activations ? row.activations->not_finite : 0;
  return count;
}

std::string file_name(const std::string& path) {
  const std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
  const std::filesystem::path name =
      normal.has_filename() ? normal.filename() : normal.parent_path().filename();
  return name.empty() || name == "." || name == ".." ? path : name.string();
}

std::string file_names(const std::vector<std::string>& paths) {
  std::string names;
  for (const std::string& path : paths)
    names += (names.empty() ? "" : ", ") + file_name(path);
  return names.empty() ? "–" : names;
}

std::string model_name(const RunData& run) {
  return run.model && !run.model->path.empty() ? file_name(run.model->path) : "model";
}

std::string method_name(const RunData& run) {
  return run.preset.empty() ? "own method" : run.preset;
}

} // namespace latticelens::report
