#include "cli/command_options.h"
#include "cli/commands.h"
#include "cli/quantize_run.h"
#include "cli/text_options.h"
#include "core/error.h"
#include "core/progress.h"
#include "quantize/carried_files.h"
#include "quantize/check_method.h"
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::string model, out, preset, method, dtype = "bf16", calibration_dtype = "fp32";
  TextOptions text;
  std::uint64_t seed = 0;
  OutputOptions output;
};

Method method_of(const Options& options) {
  require(options.preset.empty() != options.method.empty(), "quantize",
          "give one of --preset and --method; `latticelens list` shows them");
  return options.preset.empty() ? parse_method(options.method) : preset_method(options.preset);
}

TokenWindows calibration_of(const Options& options, const Method& method) {
  if (!options.text.files.empty())
    return read_windows(options.text, *tokenizer_of(options.model));
  const bool scaled = method.activation && method.activation->has_calibrated_scale();
  require(!needs_text(method), "quantize",
          to_text(method) + ": needs a text; give --calibration FILE" +
              (scaled ? " (or write activation=nvfp4/token: then each token has a second scale of "
                        "its own)"
                      : ""));
  return {};
}

void print_times(const Json& times, double total) {
  std::printf("%-24s %9s %7s\n", "time", "seconds", "share");
  for (const auto& [name, seconds] : times.items())
    std::printf("  %-22s %9.1f %6.1f%%\n", name.c_str(), seconds.get<double>(),
                100 * seconds.get<double>() / total);
  std::printf("  %-22s %9.1f\n", "whole run", total);
}

/// What other programs cannot do with this folder, and what to do about it.
void print_limits(const Options& options, const Model& model, const Method& method) {
  const std::filesystem::path folder = std::filesystem::path(options.out) / "model";
  const Config quantized = open_plain_model(folder).config;
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

void print_run(const Options& options, const Json& run, const Model& model, const Method& method) {
  std::printf("wrote %s (%s)\n", (std::filesystem::path(options.out) / "model").string().c_str(),
              bytes_text(run["model_bytes"].get<std::int64_t>()).c_str());
  print_times(run["times"], run["seconds"].get<double>());
  if (run.contains("seconds_over_two_forwards"))
    std::printf(
        "  %-22s %9.2f  (a forward to collect moments and one to go on, over all windows)\n",
        "run / two forwards", run["seconds_over_two_forwards"].get<double>());
  std::printf("peak memory %s\n", bytes_text(run["peak_memory"].get<std::int64_t>()).c_str());
  print_limits(options, model, method);
  std::printf("next: latticelens evaluate %s --text FILE --against %s\n", options.out.c_str(),
              options.model.c_str());
}

/// run.json as the command finds it; null when there is none.
Json run_before(const std::filesystem::path& folder) {
  return is_run(folder) ? read_run(folder) : Json();
}

void run(const Options& options) {
  const Stopwatch watch;
  const Method method = method_of(options);
  parse_storage(options.dtype); // their errors come before any work
  parse_storage(options.calibration_dtype);
  const OpenedModel opened = open_original(options.model);
  check_method(method, opened.model);
  const TokenWindows windows = calibration_of(options, method);
  const Json before = run_before(options.out);
  const bool finished_before =
      before.is_object() && member_or<std::string>(before, "state", "", "run.json") == "finished";
  if (!options.output.quiet && !finished_before)
    std::fprintf(stderr, "method: %s\n", to_text(method).c_str());
  const Json json =
      quantize_into(options.out, {.opened = opened,
                                  .model_hash = model_hash(options.model, options.output.quiet),
                                  .method = method,
                                  .preset = options.preset,
                                  .calibration = windows,
                                  .files = options.text.files,
                                  .seed = options.seed,
                                  .dtype = options.dtype,
                                  .calibration_dtype = options.calibration_dtype,
                                  .quiet = options.output.quiet,
                                  .watch = watch});
  const bool nothing_done = json == before;
  if (nothing_done && !options.output.quiet)
    std::fprintf(stderr, "%s: this run is finished; nothing to do\n", options.out.c_str());
  print_result(options.output, json, [&](const Json& run) {
    if (!nothing_done)
      print_run(options, run, opened.model, method);
  });
}

} // namespace

void add_quantize(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "quantize", "Quantize every linear of every block, weights and activations");
  add_path(*command, "MODEL", options->model, original_model);
  add_choice(*command, "--preset", options->preset, "PRESET",
             "Named method: see `latticelens list`");
  command
      ->add_option("--method", options->method,
                   "Method string: \"rotate=... weight=... activation=... kv=... rounding=...\"")
      ->type_name("TEXT");
  add_text_options(*command, options->text, "--calibration", "UTF-8 text files to calibrate on");
  command
      ->add_option("--out", options->out,
                   "Folder of the run; the same command continues a killed run")
      ->required()
      ->type_name("DIR");
  command->add_option("--seed", options->seed, "Seed of every random draw")->capture_default_str();
  add_choice(*command, "--dtype", options->dtype, "bf16|fp32", "Storage of what is not quantized")
      ->capture_default_str();
  add_choice(*command, "--calibration-dtype", options->calibration_dtype, "fp32|bf16",
             "Storage of calibration activations")
      ->capture_default_str();
  add_output_options(*command, options->output, "Print run.json");
  command->footer("Example: latticelens quantize MODEL --preset brq --calibration text.txt "
                  "--windows 32 --out run/");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
