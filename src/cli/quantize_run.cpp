#include "cli/quantize_run.h"

#include "core/error.h"
#include "formats/block_frame.h"
#include "learn/learn.h"
#include "quantize/carried_files.h"
#include "quantize/prepare_model.h"
#include "quantize/repair.h"
#include <ATen/Parallel.h>
#include <torch/version.h>

namespace latticelens {
namespace {

/// What makes this run this run: the same identity gives the same bytes.
Json identity_of(const QuantizeRun& run) {
  return {{"method", to_text(run.method)},
          {"model_hash", run.model_hash},
          {"calibration_hash", hash_of(run.calibration)},
          {"windows", run.calibration.count},
          {"window", run.calibration.count > 0 ? run.calibration.length : 0},
          {"seed", run.seed},
          {"dtype", run.dtype},
          {"calibration_dtype", run.calibration_dtype}};
}

Json facts_of(const QuantizeRun& run) {
  const Model& model = run.opened.model;
  const Config& config = model.config;
  return {{"program", "latticelens " LATTICELENS_VERSION},
          {"libtorch", TORCH_VERSION},
          {"preset", run.preset},
          {"model",
           {{"path", std::filesystem::absolute(model.path).string()},
            {"family", config.family},
            {"layers", config.layers},
            {"hidden", config.hidden},
            {"intermediate", config.intermediate},
            {"vocabulary", config.vocabulary},
            {"tied", config.tied}}},
          {"calibration",
           {{"files", run.files},
            {"windows", run.calibration.count},
            {"window", run.calibration.length},
            {"dropped_bytes", run.calibration.dropped_bytes}}}};
}

std::int64_t folder_bytes(const std::filesystem::path& folder) {
  std::int64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    bytes += static_cast<std::int64_t>(entry.file_size());
  return bytes;
}

Json results_of(const QuantizeResult& quantized, double seconds) {
  Json results = {{"times", quantized.times.to_json()}, {"seconds", seconds}};
  const double forward =
      quantized.times.seconds("forward"); // one pass through every block and window
  if (forward > 0 && quantized.resumed_blocks == 0)
    results["seconds_over_two_forwards"] = seconds / (2 * forward);
  results["resumed_blocks"] = quantized.resumed_blocks;
  results["threads"] = at::get_num_threads();
  results["peak_memory"] = peak_memory();
  return results;
}

} // namespace

double bits_per_weight(const Format& format, const std::vector<Json>& linears) {
  double bits = 0, weights = 0;
  for (const Json& linear : linears) {
    Format of_row = format;
    const auto in = member<std::int64_t>(linear, "in", "layers.jsonl");
    const auto count =
        static_cast<double>(in * member<std::int64_t>(linear, "out", "layers.jsonl"));
    of_row.block = format.block > 0 ? format.block : in;
    if (format.coded) // narrow rows take a smaller type
      of_row.coded = &type_for_width(*format.coded, in);
    bits += count * of_row.bits();
    weights += count;
  }
  return weights > 0 ? bits / weights : 0;
}

OpenedModel open_original(const std::string& path) {
  OpenedModel opened = open_model(path);
  require(!opened.quantized, "quantize", path + ": is quantized already; give the original model");
  return opened;
}

Json quantize_into(const std::filesystem::path& folder, const QuantizeRun& run) {
  RunDirectory directory(folder, identity_of(run));
  const bool damaged = remove_damaged(directory, run.method, run.quiet);
  if (directory.finished() && !damaged)
    return read_run(folder);
  directory.forget("layers.jsonl"); // of a finished run; it will be rewritten
  Json results = facts_of(run);
  directory.write(false, results);
  carry_files(run.opened.model.path, directory.model());
  const Model model =
      prepare_model(run.opened.model, run.method, run.calibration, directory.path(), run.quiet);
  QuantizeRequest request{.model = model,
                          .method = run.method,
                          .calibration = run.calibration,
                          .seed = run.seed,
                          .storage = parse_storage(run.dtype),
                          .calibration_storage = parse_storage(run.calibration_dtype),
                          .quiet = run.quiet};
  const Stopwatch watch;
  learn(request, directory.path());
  double learning = watch.seconds();
  QuantizeResult quantized = quantize_blocks_of(request, directory);
  const Stopwatch after;
  learn_rounded(request, directory);
  learning += after.seconds();
  if (!run.method.learn.empty())
    quantized.times.add("learning", learning);
  results.update(results_of(quantized, run.watch.seconds()));
  results["model_bytes"] = folder_bytes(directory.model());
  results["bits_per_weight"] = bits_per_weight(run.method.weight, directory.read_layers());
  results["calibration_activations"] = {{"values", quantized.activations.values},
                                        {"clipped", quantized.activations.snap.clipped},
                                        {"not_finite", quantized.activations.snap.not_finite}};
  directory.write(true, results);
  return read_run(folder);
}

} // namespace latticelens
