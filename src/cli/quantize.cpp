#include "cli/commands.h"
#include "cli/text_options.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "quantize/carried_files.h"
#include "quantize/check_method.h"
#include "quantize/layer_loop.h"
#include <ATen/Parallel.h>
#include <cstdio>
#include <torch/version.h>

namespace latticelens {
namespace {

struct Options {
  std::string model, out, preset, method, dtype = "bf16", calibration_dtype = "fp32";
  TextOptions text;
  std::uint64_t seed = 0;
  bool json = false, quiet = false;
};

Method method_of(const Options& options) {
  require(options.preset.empty() != options.method.empty(), "quantize",
          "give one of --preset and --method; `latticelens list` shows them");
  return options.preset.empty() ? parse_method(options.method) : preset_method(options.preset);
}

TokenWindows calibration_of(const Options& options, const Method& method) {
  if (!options.text.files.empty())
    return read_windows(options.text, *tokenizer_of(options.model));
  require(!rounding_row(method.rounding.name).uses_moments, "quantize",
          "rounding=" + method.rounding.name + " needs a text; give --calibration FILE");
  return {};
}

/// What makes this run this run: the same identity gives the same bytes.
Json identity_of(const Options& options, const Method& method, const TokenWindows& windows) {
  return {{"method", to_text(method)},
          {"model_hash", model_hash(options.model)},
          {"calibration_hash", hash_of(windows)},
          {"windows", windows.count},
          {"window", windows.count > 0 ? windows.length : 0},
          {"seed", options.seed},
          {"dtype", options.dtype},
          {"calibration_dtype", options.calibration_dtype}};
}

Json facts_of(const Options& options, const OpenedModel& opened, const TokenWindows& windows) {
  const Config& config = opened.model.config;
  return {{"program", "latticelens " LATTICELENS_VERSION},
          {"libtorch", TORCH_VERSION},
          {"preset", options.preset},
          {"model",
           {{"path", std::filesystem::absolute(options.model).string()},
            {"family", config.family},
            {"layers", config.layers},
            {"hidden", config.hidden},
            {"intermediate", config.intermediate},
            {"vocabulary", config.vocabulary},
            {"tied", config.tied}}},
          {"calibration",
           {{"files", options.text.files},
            {"windows", windows.count},
            {"window", windows.length},
            {"dropped_bytes", windows.dropped_bytes}}}};
}

std::int64_t folder_bytes(const std::filesystem::path& folder) {
  std::int64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    bytes += static_cast<std::int64_t>(entry.file_size());
  return bytes;
}

void print_times(const Json& times, double total) {
  std::printf("%-24s %9s %7s\n", "time", "seconds", "share");
  for (const auto& [name, seconds] : times.items())
    std::printf("  %-22s %9.1f %6.1f%%\n", name.c_str(), seconds.get<double>(),
                100 * seconds.get<double>() / total);
  std::printf("  %-22s %9.1f\n", "whole run", total);
}

/// What other programs cannot do with this folder, and what to do about it.
void print_limits(const Options& options, const RunDirectory& run, const Model& model,
                  const Method& method) {
  const Config quantized = open_model(run.model()).model.config;
  const std::string& reader = model.layout->rotation.down.front().reader;
  if (model.config.layer_norm && !quantized.layer_norm)
    std::printf(
        "note: rotating the stream has made RMS norms of the layer norms; only this program "
        "reads that. For others, leave out the rotation @residual\n");
  else if (online_rotation(method))
    std::printf("note: this method rotates the input of %s online; transformers alone does not "
                "apply that (docs/peers.md). For it, write plain weights: latticelens export %s "
                "--out DIR --dtype fp32\n",
                reader.substr(reader.rfind('.') + 1).c_str(), options.out.c_str());
}

void report_result(const Options& options, const RunDirectory& run, const Json& results,
                   const Model& model, const Method& method) {
  if (options.json) {
    std::printf("%s\n", to_text(read_run(run.path())).c_str());
    return;
  }
  std::printf("wrote %s (%s)\n", run.model().string().c_str(),
              bytes_text(results["model_bytes"].get<std::int64_t>()).c_str());
  print_times(results["times"], results["seconds"].get<double>());
  if (results.contains("seconds_over_two_forwards"))
    std::printf(
        "  %-22s %9.2f  (a forward to collect moments and one to go on, over all windows)\n",
        "run / two forwards", results["seconds_over_two_forwards"].get<double>());
  std::printf("peak memory %s\n", bytes_text(results["peak_memory"].get<std::int64_t>()).c_str());
  print_limits(options, run, model, method);
  std::printf("next: latticelens evaluate %s --text FILE --against %s\n", options.out.c_str(),
              options.model.c_str());
}

void run(const Options& options) {
  const Stopwatch watch;
  const Method method = method_of(options);
  const Storage storage = parse_storage(options.dtype);
  const Storage calibration_storage = parse_storage(options.calibration_dtype);
  const OpenedModel opened = open_model(options.model);
  require(!opened.quantized, "quantize",
          options.model + ": is quantized already; give the original model");
  check_method(method, opened.model);
  const TokenWindows windows = calibration_of(options, method);
  RunDirectory directory(options.out, identity_of(options, method, windows));
  if (directory.finished()) {
    if (!options.quiet)
      std::fprintf(stderr, "%s: this run is finished; nothing to do\n", options.out.c_str());
    if (options.json)
      std::printf("%s\n", to_text(read_run(options.out)).c_str());
    return;
  }
  Json results = facts_of(options, opened, windows);
  directory.write(false, results);
  if (!options.quiet)
    std::fprintf(stderr, "method: %s\n", to_text(method).c_str());
  carry_files(options.model, directory.model());
  QuantizeResult quantized = quantize_blocks_of({.model = opened.model,
                                                 .method = method,
                                                 .calibration = windows,
                                                 .seed = options.seed,
                                                 .storage = storage,
                                                 .calibration_storage = calibration_storage,
                                                 .quiet = options.quiet},
                                                directory);
  results["times"] = quantized.times.to_json();
  results["seconds"] = watch.seconds();
  const double forward =
      quantized.times.seconds("forward"); // one pass through every block and window
  if (forward > 0 && quantized.resumed_blocks == 0)
    results["seconds_over_two_forwards"] = watch.seconds() / (2 * forward);
  results["resumed_blocks"] = quantized.resumed_blocks;
  results["threads"] = at::get_num_threads();
  results["peak_memory"] = peak_memory();
  results["model_bytes"] = folder_bytes(directory.model());
  results["calibration_activations"] = {{"values", quantized.activations.values},
                                        {"clipped", quantized.activations.snap.clipped},
                                        {"not_finite", quantized.activations.snap.not_finite}};
  directory.write(true, results);
  report_result(options, directory, results, opened.model, method);
}

} // namespace

void add_quantize(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "quantize", "Quantize every linear of every block, weights and activations");
  command->add_option("MODEL", options->model, "Hugging Face folder or .gguf file")->required();
  command->add_option("--preset", options->preset, "Named method: see `latticelens list`")
      ->type_name("NAME");
  command
      ->add_option("--method", options->method,
                   "Method string: \"rotate=... weight=... activation=... rounding=...\"")
      ->type_name("TEXT");
  add_text_options(*command, options->text, "--calibration", "UTF-8 text files to calibrate on");
  command
      ->add_option("--out", options->out,
                   "Folder of the run; the same command continues a killed run")
      ->required()
      ->type_name("DIR");
  command->add_option("--seed", options->seed, "Seed of every random draw")->capture_default_str();
  command->add_option("--dtype", options->dtype, "Storage of what is not quantized: bf16 or fp32")
      ->capture_default_str();
  command
      ->add_option("--calibration-dtype", options->calibration_dtype,
                   "Storage of calibration activations: fp32 or bf16")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print run.json");
  command->add_flag("--quiet", options->quiet, "No progress");
  command->footer("Example: latticelens quantize MODEL --preset brq --calibration text.txt "
                  "--windows 32 --out run/");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
