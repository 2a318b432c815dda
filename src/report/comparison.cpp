#include "report/comparison.h"

#include "core/run_directory.h"
#include "report/file_name.h"
#include "report/printable.h"
#include "report/run_json.h"
#include "report/source.h"
#include "report/summary.h"
#include <algorithm>

namespace latticelens::report {
namespace {

constexpr std::size_t run_limit = 1000; // far above any table

/// What a finished row says.
void read_numbers(ComparedRun& compared, const Source& row) {
  compared.calibrated_on = row.count("calibrated_on");
  compared.bits_per_weight = row.not_negative("bits_per_weight");
  compared.seconds = row.not_negative("seconds");
  compared.peak_memory = row.not_negative("peak_memory");
  compared.model_bytes = row.not_negative("model_bytes");
  compared.evaluation = evaluation_of(row);
  if (!row.has("tasks"))
    return;
  const Json tasks = row.object("tasks");
  compared.tasks = tasks_of({tasks, row.where + " tasks"});
}

ComparedRun row_of(const Source& row, const std::filesystem::path& folder) {
  ComparedRun compared{.name = member<std::string>(row.json, "name", row.where),
                       .method = row.text("method"),
                       .baseline = row.text("baseline")};
  compared.failed = row.has("failed");
  compared.obstacle = row.text(compared.failed ? "failed" : "skipped");
  if (!compared.obstacle.empty())
    return compared;
  read_numbers(compared, row);
  if (folder.empty() || !is_run(folder))
    return compared;
  compared.folder = folder;
  compared.run = read_run_data(folder);
  return compared;
}

/// Folders of finished rows by the rows' names, in the order of the folders' names.
std::vector<std::pair<std::string, std::filesystem::path>>
row_folders(const std::filesystem::path& table) {
  std::vector<std::filesystem::path> folders;
  if (std::filesystem::is_directory(table / "rows"))
    for (const auto& entry : std::filesystem::directory_iterator(table / "rows"))
      if (std::filesystem::exists(entry.path() / "row.json"))
        folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  std::vector<std::pair<std::string, std::filesystem::path>> named;
  for (const std::filesystem::path& folder : folders) {
    const std::filesystem::path file = folder / "row.json";
    named.emplace_back(member<std::string>(read_json(file), "name", file.string()), folder);
  }
  return named;
}

void add_table(std::vector<ComparedRun>& runs, const std::filesystem::path& table) {
  const std::filesystem::path file = table / "bench.json";
  const Json json = read_work_file(file);
  const Json rows = Source{json, file.string()}.array("rows");
  auto folders = row_folders(table);
  for (const Json& row : rows) {
    const Source source{row, file.string() + " rows"};
    const auto name = member<std::string>(row, "name", source.where);
    const auto found = std::find_if(folders.begin(), folders.end(),
                                    [&](const auto& named) { return named.first == name; });
    runs.push_back(
        row_of(source, found == folders.end() ? std::filesystem::path() : found->second));
    if (found != folders.end())
      folders.erase(found);
  }
  for (const auto& [name, folder] : folders) {
    const std::filesystem::path row_file = folder / "row.json";
    const Json row = read_json(row_file);
    runs.push_back(row_of({row, row_file.string()}, folder));
  }
}

ComparedRun run_of(const std::filesystem::path& folder) {
  RunData run = read_run_data(folder);
  ComparedRun compared{.name = file_name(folder.string()),
                       .method = run.method,
                       .preset = run.preset,
                       .obstacle = run.finished ? "" : "the run is not finished",
                       .folder = folder};
  compared.calibrated_on = run.calibration ? run.calibration->windows : 0;
  compared.bits_per_weight = run.bits_per_weight;
  compared.seconds = run.seconds;
  compared.peak_memory = run.peak_memory;
  compared.model_bytes = run.model_bytes;
  if (const EvaluationRow* row = main_evaluation(run))
    compared.evaluation = *row;
  if (!run.tasks.empty())
    compared.tasks = run.tasks.back();
  compared.run = std::move(run);
  return compared;
}

/// Rows of the same name get their folders' paths instead.
void tell_apart(std::vector<ComparedRun>& runs) {
  std::vector<std::string> names;
  for (const ComparedRun& run : runs)
    names.push_back(run.name);
  for (ComparedRun& run : runs)
    if (std::count(names.begin(), names.end(), run.name) > 1 && !run.folder.empty())
      run.name = printable(run.folder.string());
}

/// The relative error of all linears of each layer.
Json layers_json(const RunData& run) {
  const bool of_outputs = errors_are_of_outputs(run);
  std::vector<std::pair<double, double>> sums; // error, energy
  for (const LinearRow& row : run.linears) {
    sums.resize(std::max(sums.size(), static_cast<std::size_t>(row.layer) + 1));
    sums[row.layer].first += of_outputs ? row.error : row.weight_error;
    sums[row.layer].second += of_outputs ? row.energy : row.weight_energy;
  }
  Json layers = Json::array();
  for (const auto& [error, energy] : sums)
    layers.push_back(number_or_null(energy > 0 ? error / energy : absent));
  return layers;
}

Json row_json(const ComparedRun& run, const std::optional<std::filesystem::path>& base) {
  Json evaluation = run.evaluation ? evaluation_json(*run.evaluation) : Json(nullptr);
  if (run.evaluation)
    evaluation["places"] = Json::array(); // they belong to the run's own page
  const bool linked = base && !run.folder.empty();
  const bool has_model = run.run && run.run->model;
  return {{"name", run.name},
          {"preset", run.preset},
          {"method", method_json(run.method)},
          {"model", has_model ? Json(file_name(run.run->model->path)) : Json(nullptr)},
          {"baseline", run.baseline},
          {"obstacle", run.obstacle},
          {"failed", run.failed},
          {"calibratedOn", run.calibrated_on},
          {"bitsPerWeight", number_or_null(run.bits_per_weight)},
          {"seconds", number_or_null(run.seconds)},
          {"peakMemory", number_or_null(run.peak_memory)},
          {"modelBytes", number_or_null(run.model_bytes)},
          {"evaluation", std::move(evaluation)},
          {"tasks", run.tasks ? tasks_json(*run.tasks) : Json(nullptr)},
          {"layers", run.run ? layers_json(*run.run) : Json::array()},
          {"ofOutputs", run.run && errors_are_of_outputs(*run.run)},
          {"page",
           linked ? Json(printable((run.folder / "report.html").lexically_relative(*base).string()))
                  : Json(nullptr)}};
}

} // namespace

bool is_table(const std::filesystem::path& folder) {
  return std::filesystem::is_regular_file(folder / "bench.json");
}

std::vector<ComparedRun> read_compared(const std::vector<std::filesystem::path>& folders) {
  std::vector<ComparedRun> runs;
  for (const std::filesystem::path& folder : folders) {
    if (is_table(folder))
      add_table(runs, folder);
    else
      runs.push_back(run_of(folder));
    require(runs.size() <= run_limit, "report",
            folder.string() + ": more than " + std::to_string(run_limit) +
                " runs; a page compares fewer");
  }
  tell_apart(runs);
  return runs;
}

Json comparison_json(const std::vector<ComparedRun>& runs,
                     const std::optional<std::filesystem::path>& base) {
  Json rows = Json::array();
  for (const ComparedRun& run : runs)
    rows.push_back(row_json(run, base));
  return {{"runs", std::move(rows)}};
}

} // namespace latticelens::report
