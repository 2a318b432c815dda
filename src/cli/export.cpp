#include "cli/commands.h"
#include "cli/model_writers.h"

namespace latticelens {

void add_export(CLI::App& program) {
  auto options = std::make_shared<WriteOptions>(WriteOptions{.form = "plain"});
  CLI::App* command = program.add_subcommand(
      "export", "Write a model for other programs: as values, packed, or as one GGUF file");
  add_path(*command, "MODEL", options->model, "Run folder, quantized folder, or any model");
  add_choice(*command, "--format", options->form, model_form_choices(),
             "plain: a Hugging Face folder of the values; compressed-tensors: one of packed "
             "weights; gguf: one file")
      ->capture_default_str();
  add_write_options(*command, *options);
  command->footer("Values that the format does not hold are rounded to the nearest; `convert` "
                  "refuses instead.\n"
                  "Example: latticelens export run/ --out dequantized/ --dtype fp32\n"
                  "         latticelens export MODEL --format gguf --type q4_k --out model.gguf");
  command->callback([options] { write_model(*options); });
}

} // namespace latticelens
