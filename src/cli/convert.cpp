#include "cli/commands.h"
#include "cli/model_writers.h"

namespace latticelens {

void add_convert(CLI::App& program) {
  auto options = std::make_shared<WriteOptions>(WriteOptions{.exact = true});
  CLI::App* command = program.add_subcommand(
      "convert", "Write a model in another form that keeps every value, or say why none does");
  add_path(*command, "MODEL", options->model, "Run folder, quantized folder, or any model");
  add_choice(*command, "--to", options->form, model_form_choices(),
             "plain: a Hugging Face folder of the values; compressed-tensors: one of packed "
             "weights; gguf: one file")
      ->required();
  add_write_options(*command, *options);
  command->footer(
      "Codes and scales are taken over: MXFP4, NVFP4, Q4_0 and Q8_0 of a GGUF file become\n"
      "mxfp4, nvfp4, bint4:32 and bint8:32 of compressed-tensors, and back.\n"
      "Example: latticelens convert model.Q8_0.gguf --to compressed-tensors --out packed/");
  command->callback([options] { write_model(*options); });
}

} // namespace latticelens
