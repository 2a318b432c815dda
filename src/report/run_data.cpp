#include "report/run_data.h"

#include "core/error.h"
#include "core/recorded_files.h"
#include "core/run_directory.h"
#include "report/source.h"
#include <set>

namespace latticelens::report {
namespace {

// Far above any model; below them no chart grows without bound.
constexpr std::int64_t layer_limit = 1000, size_limit = 1 << 22;
constexpr double seconds_limit = 1e9;
constexpr int exponent_limit = 1100;
constexpr std::size_t row_limit = 200'000;

std::map<int, std::int64_t> exponents_of(const Source& source, const char* name,
                                         std::int64_t weights) {
  std::map<int, std::int64_t> exponents;
  const Json object = source.object(name);
  const Source counts{object, source.where + " " + name};
  for (const auto& [key, value] : object.items()) {
    const bool digits =
        !key.empty() && key.size() <= 5 &&
        key.find_first_not_of("0123456789", key[0] == '-' ? 1 : 0) == std::string::npos &&
        key != "-";
    const int exponent = digits ? std::stoi(key) : exponent_limit + 1;
    if (std::abs(exponent) > exponent_limit)
      source.fail(name, "has the key \"" + key + "\", which is no exponent");
    exponents[exponent] = counts.count(key);
    weights -= exponents[exponent];
    if (weights < 0)
      source.fail(name, "counts more scales than the linear has weights");
  }
  return exponents;
}

std::optional<CertificateRow> certificate_of(const Source& source) {
  if (!source.has("certificate"))
    return std::nullopt;
  const Json object = source.object("certificate");
  const Source proof{object, source.where + " certificate"};
  return CertificateRow{.error = proof.not_negative("error"),
                        .lower_bound = proof.not_negative("lower_bound"),
                        .sphere = proof.not_negative("sphere"),
                        .rate_bound = proof.not_negative("rate_bound"),
                        .headroom_decibels = proof.number("headroom_decibels"),
                        .profile_ratio = proof.not_negative("profile_ratio"),
                        .profile = numbers_of(proof, "profile")};
}

std::optional<RotationEffect> rotation_of(const Source& source, std::int64_t weights) {
  if (!source.has("rotation"))
    return std::nullopt;
  const Json object = source.object("rotation");
  const Source effect{object, source.where + " rotation"};
  return RotationEffect{exponents_of(effect, "scale_exponents_before", weights),
                        exponents_of(effect, "scale_exponents_after", weights),
                        effect.not_negative("energy_before")};
}

LinearRow linear_of(const Source& source) {
  LinearRow row;
  row.layer = member<std::int64_t>(source.json, "layer", source.where);
  row.linear = member<std::string>(source.json, "linear", source.where);
  source.count("layer", layer_limit);
  row.outputs = source.count("out", size_limit);
  row.inputs = source.count("in", size_limit);
  row.clipped = source.count("clipped");
  if (row.clipped > row.outputs * row.inputs)
    source.fail("clipped", "is more than the linear has weights");
  row.weight_error = source.not_negative("weight_error");
  row.weight_energy = source.not_negative("weight_energy");
  row.energy = source.not_negative("energy");
  // Traces of a product that rounding can leave a hair below zero.
  row.error = std::max(source.number("error"), 0.0);
  row.nearest_error = std::max(source.number("nearest_error"), 0.0);
  const std::int64_t weights = row.outputs * row.inputs;
  row.scale_exponents = exponents_of(source, "scale_exponents", weights);
  row.rotation = rotation_of(source, weights);
  row.damping = source.not_negative("damping");
  row.escalations = source.count("escalations");
  row.certificate = certificate_of(source);
  return row;
}

std::vector<LinearRow> linears_of(const std::filesystem::path& path) {
  std::vector<LinearRow> rows;
  std::set<std::pair<std::int64_t, std::string>> seen;
  for (const Json& json : read_lines(path)) {
    const Source source{json, path.string() + " line " + std::to_string(rows.size() + 1)};
    rows.push_back(linear_of(source));
    if (!seen.insert({rows.back().layer, rows.back().linear}).second)
      source.fail("linear", "stands twice for layer " + std::to_string(rows.back().layer));
    require(rows.size() <= row_limit, "report",
            path.string() + ": has more than " + std::to_string(row_limit) +
                " rows; is it a run's file?");
  }
  return rows;
}

void read_metrics(RunData& run, const std::filesystem::path& path) {
  std::size_t line = 0;
  for (const Json& json : read_lines(path)) {
    const Source source{json, path.string() + " line " + std::to_string(++line)};
    const std::string event = source.text("event");
    if (event == "evaluation")
      run.evaluations.push_back(evaluation_of(source));
    if (event == "tasks")
      run.tasks.push_back(tasks_of(source));
    require(line <= row_limit, "report", path.string() + ": has too many rows");
  }
}

std::vector<LearningRow> learning_of(const std::filesystem::path& path) {
  std::vector<LearningRow> rows;
  for (const Json& json : read_lines(path)) {
    const Source source{json, path.string() + " line " + std::to_string(rows.size() + 1)};
    rows.push_back({member<std::string>(json, "learns", source.where), source.count("step"),
                    source.count("layer", layer_limit), source.number("loss"),
                    source.number("held_out_loss"), source.not_negative("loss_before"),
                    source.not_negative("loss_after")});
    require(rows.size() <= row_limit, "report",
            path.string() + ": has more than " + std::to_string(row_limit) +
                " rows; is it a run's file?");
  }
  return rows;
}

ModelFacts model_of(const Source& source) {
  return {source.text("path"),    source.text("family"),        source.count("layers", layer_limit),
          source.count("hidden"), source.count("intermediate"), source.count("vocabulary"),
          source.flag("tied")};
}

CalibrationFacts calibration_of(const Source& source) {
  return {texts_of(source, "files"), source.count("windows"), source.count("window"),
          source.count("dropped_bytes")};
}

std::vector<std::pair<std::string, double>> times_of(const Source& source) {
  std::vector<std::pair<std::string, double>> times;
  const Json object = source.object("times");
  const Source seconds{object, source.where + " times"};
  for (const auto& item : object.items())
    times.emplace_back(item.key(), seconds.not_negative(item.key(), seconds_limit));
  return times;
}

void read_identity(RunData& run, const Source& source) {
  run.method = source.text("method");
  run.dtype = source.text("dtype");
  run.calibration_dtype = source.text("calibration_dtype");
  if (!source.has("seed"))
    return;
  const Json seed = member<Json>(source.json, "seed", source.where);
  if (!seed.is_number_integer()) // the whole unsigned range too, which member<int64> refuses
    source.fail("seed", std::string("should be an integer, not ") + seed.type_name());
  run.seed = to_text(seed);
}

void read_facts(RunData& run, const Source& source) {
  run.finished = source.text("state") == "finished";
  run.program = source.text("program");
  run.libtorch = source.text("libtorch");
  run.preset = source.text("preset");
  if (source.has("model"))
    run.model = model_of({source.object("model"), source.where + " model"});
  if (source.has("calibration"))
    run.calibration = calibration_of({source.object("calibration"), source.where + " calibration"});
  run.times = times_of(source);
  run.seconds = source.not_negative("seconds", seconds_limit);
  run.bits_per_weight = source.not_negative("bits_per_weight");
  run.resumed_blocks = source.count("resumed_blocks");
  run.threads = source.count("threads");
  if (source.has("peak_memory"))
    run.peak_memory = static_cast<double>(source.count("peak_memory"));
  if (source.has("model_bytes"))
    run.model_bytes = static_cast<double>(source.count("model_bytes"));
  run.calibration_activations = activations_of(source, "calibration_activations");
}

} // namespace

RunData read_run_data(const std::filesystem::path& folder) {
  const Json json = read_run(folder);
  require_intact(folder, records_in(json, "layers.jsonl"), /*threads=*/1);
  RunData run;
  run.folder = folder;
  const Source source{json, (folder / "run.json").string()};
  const Json identity = source.object("identity");
  read_identity(run, {identity, source.where + " identity"});
  read_facts(run, source);
  run.linears = linears_of(folder / "layers.jsonl");
  read_metrics(run, folder / "metrics.jsonl");
  run.learning = learning_of(folder / "learning.jsonl");
  return run;
}

} // namespace latticelens::report
