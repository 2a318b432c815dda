#include "cli/command_options.h"
#include "cli/commands.h"
#include "core/error.h"
#include "core/progress.h"
#include "quantize/export_dequantized.h"
<<<<<<< HEAD
#include "quantize/export_gguf.h"
    =======
>>>>>>> package
#include <cstdio>

    namespace latticelens {
  namespace {

  struct Options {
<<<<<<< HEAD
    std::string model, out, format = "plain", dtype = "bf16", type, outer_type;
    bool quiet = false;
  };

  void export_plain(const OpenedModel& opened, const Options& options, Progress& progress) {
    export_dequantized(opened, options.out, parse_storage(options.dtype),
                       [&](std::int64_t) { progress.step(); });
    progress.line("wrote " + options.out + ": dequantized weights");
  }

  std::string percent(double part, double whole) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g %%", whole > 0 ? 100 * part / whole : 0.0);
    return text;
  }

  void export_file(const OpenedModel& opened, const Options& options, Progress& progress) {
    const GgufTypes types = choose_gguf_types(opened, options.type, options.outer_type);
    const GgufSummary summary =
        export_gguf(opened, options.out, types, [&](std::int64_t) { progress.step(); });
    std::string linears;
    std::int64_t all = 0;
    for (const auto& [type, count] : summary.linears) {
      linears += (linears.empty() ? "" : ", ") + std::to_string(count) + " linears in " + type;
      all += count;
    }
    progress.line("wrote " + options.out + ": " + linears + "; embedding and head in " +
                  types.outer->name);
    if (summary.narrow > 0)
      progress.line(std::to_string(summary.narrow) + " linears have rows that are no multiple of " +
                    std::to_string(types.linear->values) +
                    " and took another type, as in llama.cpp");
    if (summary.unlisted_pairs > 0)
      progress.line(
          "GGUF joins tokens by score: " + std::to_string(summary.unlisted_pairs) +
          " pairs join that tokenizer.json does not list, so some ids may differ (llama.cpp's "
          "own converter does the same)");
    progress.line(summary.exact == all
                      ? "every linear keeps its values exactly"
                      : std::to_string(summary.exact) + " of " + std::to_string(all) +
                            " linears keep their values exactly; error of all: " +
                            percent(summary.error, summary.energy) + " of their squares");
  }

  /// What the model does beyond its weights, which these files cannot say.
  void say_what_is_left_out(const OpenedModel& opened, Progress& progress) {
    if (opened.activations.format)
      progress.line("activations are not quantized in what was written: activation=" +
                    opened.activations.format->name + " is left out");
    if (opened.activations.kv)
      progress.line("the KV cache is not quantized in what was written: kv=" +
                    opened.activations.kv->name + " is left out");
=======
    std::string model, out, dtype = "bf16";
    OutputOptions output;
  };

  void print_written(const Json& result) {
    std::printf("wrote %s: dequantized weights, unquantized activations\n",
                result["out"].get<std::string>().c_str());
    if (result.contains("left_out"))
      std::printf("the KV cache is not quantized in the exported folder: %s is left out\n",
                  result["left_out"].get<std::string>().c_str());
>>>>>>> package
  }

  void run(const Options& options) {
    const OpenedModel opened = open_model(options.model);
<<<<<<< HEAD
    Progress progress("export block", opened.model.config.layers, options.quiet);
    options.format == "gguf" ? export_file(opened, options, progress)
                             : export_plain(opened, options, progress);
    say_what_is_left_out(opened, progress);
=======
    Progress progress("export", "blocks", opened.model.config.layers, options.output.quiet);
    export_dequantized(opened, options.out, parse_storage(options.dtype),
                       [&](std::int64_t) { progress.step(); });
    progress.finish();
    Json result = {{"model", options.model}, {"out", options.out}, {"dtype", options.dtype}};
    if (opened.activations.kv)
      result["left_out"] = "kv=" + opened.activations.kv->name;
    print_result(options.output, result, print_written);
>>>>>>> package
  }

  } // namespace

  void add_export(CLI::App & program) {
    auto options = std::make_shared<Options>();
    CLI::App* command = program.add_subcommand(
<<<<<<< HEAD
        "export", "Write a model as a Hugging Face folder (dequantized) or as one GGUF file");
    command->add_option("MODEL", options->model, "Run folder, quantized folder, or any model")
        ->required();
    command
        ->add_option("--out", options->out,
                     "Folder to write (must be empty or absent), or the .gguf file")
        ->required()
        ->type_name("PATH");
    command->add_option("--format", options->format, "plain: a Hugging Face folder; gguf: one file")
        ->check(CLI::IsMember({"plain", "gguf"}))
        ->capture_default_str();
    command
        ->add_option("--dtype", options->dtype,
                     "Of a plain folder: bf16 or fp32 (exact when there is an online rotation)")
        ->capture_default_str();
    command->add_option(
        "--type", options->type,
        "Of a GGUF file's linears: f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, "
        "q5_k, q6_k, iq4_nl, mxfp4 or nvfp4 (default: the one that the model was "
        "rounded into, else f16)");
    command->add_option("--outer-type", options->outer_type,
                        "Of its embedding and head (q8_0 beside a quantized type, else as --type)");
    command->add_flag("--quiet", options->quiet, "No progress");
    command->footer(
        "Examples: latticelens export run/ --out dequantized/ --dtype fp32\n"
        "          latticelens export MODEL --format gguf --type q4_k --out model.gguf");
=======
        "export", "Write a quantized model as an ordinary Hugging Face folder (dequantized)");
    add_path(*command, "MODEL", options->model, "Run folder, quantized folder, or any model");
    command->add_option("--out", options->out, "Folder to write; must be empty or absent")
        ->required()
        ->type_name("DIR");
    add_choice(*command, "--dtype", options->dtype, "bf16|fp32",
               "Of the weights; fp32 is exact when there is an online rotation")
        ->capture_default_str();
    add_output_options(*command, options->output,
                       "Print one JSON object: model, out, dtype, left_out");
    command->footer("Example: latticelens export run/ --out dequantized/ --dtype fp32");
>>>>>>> package
    command->callback([options] { run(*options); });
  }

} // namespace latticelens
