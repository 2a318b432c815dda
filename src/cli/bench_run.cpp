#include "cli/bench_run.h"

#include "cli/metrics.h"
#include "cli/quantize_run.h"
#include "cli/token_changes.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "quantize/carried_files.h"
#include "quantize/check_method.h"

namespace latticelens {
namespace {

TokenWindows windows_of(const BenchSettings& settings, const TextOptions& text) {
  return text.files.empty() ? TokenWindows() : read_windows(text, *tokenizer_of(settings.model));
}

Questions questions_of(const BenchSettings& settings, const Model& model) {
  return settings.tasks.names.empty() ? Questions()
                                      : read_questions(settings.tasks, settings.model,
                                                       model.config.positions, settings.quiet);
}

/// A run that finished once and whose model is gone cannot be evaluated: it starts anew.
void remove_hollow_run(const std::filesystem::path& folder) {
  if (is_run(folder) && !std::filesystem::exists(folder / "model"))
    std::filesystem::remove_all(folder);
}

} // namespace

Bench::Bench(const BenchSettings& settings)
    : settings_(settings), original_(open_original(settings.model)),
      model_hash_(latticelens::model_hash(settings.model, settings.quiet)),
      calibration_(windows_of(settings, settings.calibration)),
      windows_(windows_of(settings, settings.text)),
      questions_(questions_of(settings, original_.model)),
      answers_(original_.model, questions_, settings.quiet) {}

Json Bench::identity() const {
  Json identity = {{"model_hash", model_hash_},
                   {"calibration_hash", hash_of(calibration_)},
                   {"windows", calibration_.count},
                   {"text_hash", hash_of(windows_)},
                   {"evaluation_windows", windows_.count},
                   {"window", windows_.length},
                   {"seed", settings_.seed},
                   {"tasks", settings_.tasks.names}};
  if (settings_.tasks.names.empty())
    return identity;
  std::string hashes;
  for (const TaskInput& input : questions_.inputs)
    hashes += file_hash(input.file);
  identity["tasks_hash"] = text_hash(hashes);
  identity["limit"] = settings_.tasks.limit;
  identity["begin_of_text"] = questions_.begin_of_text;
  return identity;
}

std::string Bench::obstacle(const BenchRow& row) const {
  try {
    check_method(parse_method(row.method), model());
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

bool Bench::finished(const BenchRow& row) const {
  return std::filesystem::exists(folder_of(row) / "row.json");
}

void Bench::require_same_method(const BenchRow& row) const {
  if (!finished(row))
    return;
  const std::filesystem::path file = folder_of(row) / "row.json";
  const auto method = member<std::string>(read_json(file), "method", file.string());
  require(method == to_text(parse_method(row.method)), "bench",
          file.string() + ": the row \"" + row.name + "\" is finished with another method (" +
              method + "); give the row another name, or remove its folder");
}

Json Bench::result(const BenchRow& row) {
  return finished(row) ? read_json(folder_of(row) / "row.json") : make(row);
}

void Bench::remove_working_files() const {
  std::filesystem::remove(hidden_file());
}

std::filesystem::path Bench::folder_of(const BenchRow& row) const {
  return std::filesystem::path(settings_.out) / "rows" / folder_name(row);
}

std::filesystem::path Bench::hidden_file() const {
  return std::filesystem::path(settings_.out) / "original.safetensors";
}

Json Bench::make(const BenchRow& row) {
  const std::filesystem::path folder = folder_of(row);
  remove_hollow_run(folder);
  Json json = {{"name", row.name}};
  json.update(quantize(row, folder));
  const Stopwatch watch;
  json.update(measure_text(folder));
  if (!settings_.tasks.names.empty())
    json["tasks"] = measure_tasks(folder);
  json["evaluate_seconds"] = watch.seconds();
  write_text(folder / "row.json", json.dump(2) + "\n");
  if (!settings_.keep_models)
    std::filesystem::remove_all(folder / "model");
  return json;
}

Json Bench::quantize(const BenchRow& row, const std::filesystem::path& folder) {
  const Method method = parse_method(row.method);
  const bool calibrated = needs_text(method);
  const TokenWindows none;
  forget_peak_memory();
  const Json run = quantize_into(
      folder, {.opened = original_,
               .model_hash = model_hash_,
               .method = method,
               .preset = "",
               .calibration = calibrated ? calibration_ : none,
               .files = calibrated ? settings_.calibration.files : std::vector<std::string>(),
               .seed = settings_.seed,
               .quiet = settings_.quiet});
  return {{"method", to_text(method)},
          {"bits_per_weight", bits_per_weight(method.weight, read_lines(folder / "layers.jsonl"))},
          {"calibrated_on", calibrated ? calibration_.count : 0},
          {"seconds", run["seconds"]},
          {"resumed_blocks", run["resumed_blocks"]},
          {"peak_memory", run["peak_memory"]},
          {"model_bytes", run["model_bytes"]}};
}

Json Bench::measure_text(const std::filesystem::path& folder) {
  const Side original = kept_side(model(), windows_, hidden_file(), settings_.quiet);
  const OpenedModel opened = open_model(folder);
  Progress progress("evaluate", "steps", evaluation_steps(opened.model, nullptr, windows_),
                    settings_.quiet);
  const auto step = [&] { progress.step(); };
  const Side side = side_of(opened.model, windows_, step);
  TokenChanges changes(windows_, kept_places);
  const Evaluation evaluation =
      compare(side, &original, windows_, step, [&](const Positions& at) { changes.add(at); });
  Json json = evaluation_json(settings_.text, evaluation);
  Json kept = json;
  kept.update(changes.to_json(*tokenizer_of(settings_.model), kept_context));
  keep_metrics(folder, "evaluation", metrics_json(folder.string(), settings_.model, opened, kept));
  json["excess_loss"] = evaluation.mean_loss - evaluation.divergence->original_mean_loss;
  return json;
}

Json Bench::measure_tasks(const std::filesystem::path& folder) {
  const TaskScores& original = answers_.get();
  const OpenedModel opened = open_model(folder);
  Progress progress("answer", "steps", scoring_steps(opened.model, questions_.items),
                    settings_.quiet);
  const TaskScores scores = answers_of(opened.model, questions_, [&] { progress.step(); });
  Json json = answers_json(settings_.tasks, questions_, scores, original);
  keep_metrics(folder, "tasks", metrics_json(folder.string(), settings_.model, opened, json));
  return json;
}

} // namespace latticelens
