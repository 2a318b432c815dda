#include "cli/command_options.h"
#include "cli/commands.h"
#include "core/error.h"
#include "core/progress.h"
#include "quantize/export_dequantized.h"
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::string model, out, dtype = "bf16";
  OutputOptions output;
};

void print_written(const Json& result) {
  std::printf("wrote %s: dequantized weights, unquantized activations\n",
              result["out"].get<std::string>().c_str());
  if (result.contains("left_out"))
    std::printf("the KV cache is not quantized in the exported folder: %s is left out\n",
                result["left_out"].get<std::string>().c_str());
}

void run(const Options& options) {
  const OpenedModel opened = open_model(options.model);
  Progress progress("export", "blocks", opened.model.config.layers, options.output.quiet);
  export_dequantized(opened, options.out, parse_storage(options.dtype),
                     [&](std::int64_t) { progress.step(); });
  progress.finish();
  Json result = {{"model", options.model}, {"out", options.out}, {"dtype", options.dtype}};
  if (opened.activations.kv)
    result["left_out"] = "kv=" + opened.activations.kv->name;
  print_result(options.output, result, print_written);
}

} // namespace

void add_export(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
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
  command->callback([options] { run(*options); });
}

} // namespace latticelens
