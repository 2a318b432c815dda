// A small run with known numbers, written as quantize and evaluate write theirs.
#pragma once
#include "core/files.h"
#include "core/json.h"
#include "tests/support.h"
#include <utility>

namespace latticelens::testing {

inline Json synthetic_run_json() {
  return {{"identity",
           {{"method", "rotate=hadamard:32@residual weight=mxfp4/away activation=mxfp4/away "
                       "rounding=gptq:damp=0.01 scales=stale moments=original"},
            {"seed", 18446744073709551615ull},
            {"dtype", "bf16"},
            {"calibration_dtype", "fp32"}}},
          {"state", "finished"},
          {"program", "latticelens 0.1.0"},
          {"libtorch", "2.11.0"},
          {"preset", "brq"},
          {"model",
           {{"path", "models/小さな模型.gguf"},
            {"family", "llama"},
            {"layers", 2},
            {"hidden", 64},
            {"intermediate", 128},
            {"vocabulary", 49152},
            {"tied", true}}},
          {"calibration",
           {{"files", {"本文.txt"}}, {"windows", 4}, {"window", 2048}, {"dropped_bytes", 0}}},
          {"times", {{"moments", 6.5}, {"rounding", 3.25}}},
          {"seconds", 12.5},
          {"resumed_blocks", 0},
          {"threads", 2},
          {"peak_memory", 1946476544},
          {"model_bytes", 171253673},
          {"calibration_activations", {{"values", 0}, {"clipped", 0}, {"not_finite", 0}}}};
}

inline Json synthetic_row(int layer, const char* linear, double error) {
  return {{"layer", layer},
          {"linear", linear},
          {"out", 64},
          {"in", 64},
          {"clipped", 41},
          {"weight_error", 1.5},
          {"weight_energy", 100.0},
          {"error", error},
          {"nearest_error", 5 * error},
          {"energy", 1000.0},
          {"tokens", 8192},
          {"scale_exponents", {{"-7", 100}, {"-6", 28}}},
          {"damping", 0.01},
          {"escalations", 0}};
}

inline Json synthetic_certificate(double error) {
  return {
      {"error", 1.1 * error},     {"lower_bound", 0.25 * error}, {"expected", error},
      {"worst", 12 * error},      {"sphere", 0.5 * error},       {"rate_bound", 0.2 * error},
      {"headroom_decibels", 7.4}, {"profile_ratio", 1.25},       {"profile", {3.0, 2.5, 2.0, 1.0}}};
}

inline Json synthetic_evaluation() {
  return {{"event", "evaluation"},
          {"text", {"wiki.txt"}},
          {"window", 2048},
          {"perplexity", 34.27},
          {"mean_nll", 3.534},
          {"windows", {3.5, 3.568}},
          {"against", "models/小さな模型.gguf"},
          {"original_perplexity", 19.19},
          {"original_mean_nll", 2.954},
          {"kl", 0.4321},
          {"top1_agreement", 0.6149},
          {"window_kl", {0.43, 0.4342}},
          {"activations", {{"values", 1000}, {"clipped", 28}, {"not_finite", 0}}}};
}

/// Two tasks of 100 items, one without acc_norm.
inline Json synthetic_tasks() {
  const auto metric = [](double value, double original, int lost, int gained, double p) {
    return Json{{"value", value},
                {"standard_error", 0.0476},
                {"original", original},
                {"original_standard_error", 0.0464},
                {"lost", lost},
                {"gained", gained},
                {"p", p}};
  };
  return {{"event", "tasks"},
          {"data", "tasks/"},
          {"against", "models/小さな模型.gguf"},
          {"tasks",
           {{{"task", "piqa"},
             {"items", 100},
             {"acc", metric(0.62, 0.65, 7, 4, 0.5488)},
             {"acc_norm", metric(0.61, 0.69, 11, 3, 0.0574)}},
            {{"task", "winogrande"}, {"items", 100}, {"acc", metric(0.48, 0.52, 6, 2, 0.289)}}}},
          {"mean", metric(0.545, 0.605, 17, 5, 0.0169)}};
}

inline std::vector<Json> synthetic_rows() {
  std::vector<Json> rows = {
      synthetic_row(0, "self_attn.q_proj", 2.5), synthetic_row(0, "mlp.down_proj", 7.5),
      synthetic_row(1, "self_attn.q_proj", 5.0), synthetic_row(1, "mlp.down_proj", 61.0)};
  for (Json& row : rows)
    row["certificate"] = synthetic_certificate(row["error"].get<double>());
  return rows;
}

inline void write_lines(const std::filesystem::path& path, const std::vector<Json>& rows) {
  std::string text;
  for (const Json& row : rows)
    text += to_text(row) + "\n";
  write_text(path, text);
}

inline void write_run(const std::filesystem::path& folder, const Json& run,
                      const std::vector<Json>& rows, const std::vector<Json>& metrics) {
  std::filesystem::create_directories(folder);
  write_text(folder / "run.json", to_text(run));
  write_lines(folder / "layers.jsonl", rows);
  write_lines(folder / "metrics.jsonl", metrics);
}

/// A row of bench's table.
inline Json synthetic_table_row(const std::string& name, double kl) {
  Json row = synthetic_evaluation();
  row["name"] = name;
  row["method"] = "weight=mxfp4 activation=mxfp4 rounding=nearest";
  row["kl"] = kl;
  row["bits_per_weight"] = 4.25;
  row["calibrated_on"] = 4;
  row["seconds"] = 12.5;
  row["peak_memory"] = 1946476544;
  row["model_bytes"] = 171253673;
  row["tasks"] = synthetic_tasks();
  return row;
}

/// A folder of bench: rows of the last table with one that was skipped, and rows of earlier ones.
inline void write_table(const std::filesystem::path& folder,
                        const std::vector<std::pair<std::string, double>>& rows,
                        const std::vector<std::pair<std::string, double>>& earlier) {
  Json table = {{"state", "finished"}, {"rows", Json::array()}};
  const auto write_row = [&](const auto& named) {
    const std::filesystem::path run = folder / "rows" / named.first;
    write_run(run, synthetic_run_json(), synthetic_rows(), {synthetic_evaluation()});
    write_text(run / "row.json", to_text(synthetic_table_row(named.first, named.second)));
  };
  for (const auto& named : rows) {
    write_row(named);
    table["rows"].push_back(synthetic_table_row(named.first, named.second));
    table["rows"].back()["baseline"] = "rtn";
  }
  table["rows"].push_back({{"name", "too large"},
                           {"method", "weight=mxfp4:64"},
                           {"skipped", "the width is no multiple of 64"}});
  for (const auto& named : earlier)
    write_row(named);
  write_text(folder / "bench.json", to_text(table));
}

} // namespace latticelens::testing
