#include "cli/command_options.h"
#include "cli/commands.h"
#include "core/byte_size.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/words.h"
#include "quantize/export_dequantized.h"
#include "quantize/export_gguf.h"
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::string model, out, format = "plain", dtype = "bf16", shard_size = "5GB", type, outer_type;
  OutputOptions output;
};

Json export_plain(const OpenedModel& opened, const Options& options, Progress& progress) {
  export_dequantized(
      opened, options.out, parse_storage(options.dtype), [&](std::int64_t) { progress.step(); },
      parse_byte_size(options.shard_size));
  return {{"dtype", options.dtype}};
}

Json export_file(const OpenedModel& opened, const Options& options, Progress& progress) {
  const GgufTypes types = choose_gguf_types(opened, options.type, options.outer_type);
  const GgufSummary summary =
      export_gguf(opened, options.out, types, [&](std::int64_t) { progress.step(); });
  std::int64_t all = 0;
  for (const auto& [type, count] : summary.linears)
    all += count;
  return {{"type", types.linear->name},
          {"outer_type", types.outer->name},
          {"linears", all},
          {"linears_by_type", summary.linears},
          {"exact_linears", summary.exact},
          {"narrow_linears", summary.narrow},
          {"relative_error", summary.energy > 0 ? summary.error / summary.energy : 0.0},
          {"unlisted_token_pairs", summary.unlisted_pairs}};
}

/// What the model does beyond its weights, which is not in what is written.
Json left_out(const OpenedModel& opened) {
  Json left = Json::array();
  if (opened.activations.format)
    left.push_back("activation=" + opened.activations.format->name);
  if (opened.activations.kv)
    left.push_back("kv=" + opened.activations.kv->name);
  return left;
}

void print_gguf(const Json& result) {
  std::string linears;
  for (const auto& [type, count] : result["linears_by_type"].items())
    linears += (linears.empty() ? "" : ", ") + count.dump() + " linears in " + type;
  std::printf("wrote %s: %s; embedding and head in %s\n", result["out"].get<std::string>().c_str(),
              linears.c_str(), result["outer_type"].get<std::string>().c_str());
  if (result["narrow_linears"] > 0)
    std::printf("%s linears have rows that are no whole blocks of %s and took another type, as in "
                "llama.cpp\n",
                result["narrow_linears"].dump().c_str(), result["type"].get<std::string>().c_str());
  if (result["unlisted_token_pairs"] > 0)
    std::printf("GGUF joins tokens by score: %s pairs join that tokenizer.json does not list, so "
                "some ids may differ (llama.cpp's own converter does the same)\n",
                result["unlisted_token_pairs"].dump().c_str());
  if (result["exact_linears"] == result["linears"])
    std::printf("every linear keeps its values exactly\n");
  else
    std::printf("%s of %s linears keep their values exactly; error of all: %.3g %% of their "
                "squares\n",
                result["exact_linears"].dump().c_str(), result["linears"].dump().c_str(),
                100 * result["relative_error"].get<double>());
}

void print_written(const Json& result) {
  if (result["format"] == "gguf")
    print_gguf(result);
  else
    std::printf("wrote %s: dequantized weights\n", result["out"].get<std::string>().c_str());
  for (const Json& part : result["left_out"])
    std::printf("not in what was written: %s\n", part.get<std::string>().c_str());
}

void run(const Options& options) {
  parse_byte_size(options.shard_size); // its errors come before any work
  const OpenedModel opened = open_model(options.model);
  Progress progress("export", "blocks", opened.model.config.layers, options.output.quiet);
  const Json written = options.format == "gguf" ? export_file(opened, options, progress)
                                                : export_plain(opened, options, progress);
  progress.finish();
  Json result = {{"model", options.model}, {"out", options.out}, {"format", options.format}};
  result.update(written);
  result["left_out"] = left_out(opened);
  result["peak_memory"] = peak_memory();
  print_result(options.output, result, print_written);
}

} // namespace

void add_export(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "export", "Write a model as a Hugging Face folder (dequantized) or as one GGUF file");
  add_path(*command, "MODEL", options->model, "Run folder, quantized folder, or any model");
  command
      ->add_option("--out", options->out,
                   "Folder to write (must be empty or absent), or the .gguf file")
      ->required()
      ->type_name("PATH");
  add_choice(*command, "--format", options->format, "plain|gguf",
             "plain: a Hugging Face folder; gguf: one file")
      ->check(CLI::IsMember({"plain", "gguf"}))
      ->capture_default_str();
  add_choice(*command, "--dtype", options->dtype, "bf16|fp32",
             "Of a plain folder's weights; fp32 is exact when there is an online rotation")
      ->capture_default_str();
  command
      ->add_option(
          "--shard-size", options->shard_size,
          "Of a plain folder's files at most, as in 200MB or 5GB: one model.safetensors, or "
          "model-00001-of-0000N.safetensors and an index; a larger tensor has its own")
      ->type_name("SIZE")
      ->capture_default_str();
  add_choice(*command, "--type", options->type, "GGUF-TYPE",
             "Of a GGUF file's linears: " + joined(gguf_type_names(), ", ") +
                 " (default: the one that the model was rounded into, else f16)");
  add_choice(*command, "--outer-type", options->outer_type, "GGUF-TYPE",
             "Of its embedding and head (default: q8_0 beside a quantized type, else as --type)");
  add_output_options(*command, options->output,
                     "Print one JSON object: model, out, format, what the format adds, left_out, "
                     "peak_memory");
  command->footer("Example: latticelens export run/ --out dequantized/ --dtype fp32\n"
                  "         latticelens export MODEL --format gguf --type q4_k --out model.gguf");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
