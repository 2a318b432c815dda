#include "cli/commands.h"
#include "core/error.h"
#include "core/progress.h"
#include "quantize/export_dequantized.h"

namespace latticelens {
namespace {

struct Options {
  std::string model, out, dtype = "bf16";
  bool quiet = false;
};

void run(const Options& options) {
  const OpenedModel opened = open_model(options.model);
  Progress progress("export block", opened.model.config.layers, options.quiet);
  export_dequantized(opened, options.out, parse_storage(options.dtype),
                     [&](std::int64_t) { progress.step(); });
  progress.line("wrote " + options.out + ": dequantized weights, unquantized activations");
  if (opened.activations.kv)
    progress.line("the KV cache is not quantized in the exported folder: kv=" +
                  opened.activations.kv->name + " is left out");
}

} // namespace

void add_export(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "export", "Write a quantized model as an ordinary Hugging Face folder (dequantized)");
  command->add_option("MODEL", options->model, "Run folder, quantized folder, or any model")
      ->required();
  command->add_option("--out", options->out, "Folder to write; must be empty or absent")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--dtype", options->dtype,
                   "bf16 or fp32 (exact when there is an online rotation)")
      ->capture_default_str();
  command->add_flag("--quiet", options->quiet, "No progress");
  command->footer("Example: latticelens export run/ --out dequantized/ --dtype fp32");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
