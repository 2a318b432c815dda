#include "cli/command_options.h"
#include "cli/commands.h"
#include "core/error.h"
#include "core/progress.h"
#include "evaluate/language_model.h"
#include "quantize/packed_model.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::string model, ids, out;
  std::string device = "cpu";
  OutputOptions output;
};

std::vector<Tensor> read_ids(const std::string& path) {
  const SafetensorsFile file(path);
  require(file.has("input_ids"), "logits", path + ": has no tensor \"input_ids\" [n, t]");
  const Tensor ids = file.load("input_ids");
  const bool integers = ids.scalar_type() == at::kLong || ids.scalar_type() == at::kInt;
  require(integers && ids.dim() == 2 && ids.numel() > 0, "logits",
          path + ": input_ids should be I64 or I32 [n, t], not empty");
  std::vector<Tensor> rows;
  for (const Tensor& row : ids.to(at::kLong).unbind(0))
    rows.push_back(row);
  return rows;
}

void run(const Options& options) {
  const Device device = parse_device(options.device);
  const OpenedModel opened = open_model(options.model, device);
  const std::vector<Tensor> ids = read_ids(options.ids);
  Progress progress("logits", "blocks", opened.model.config.layers, options.output.quiet);
  const std::vector<Tensor> hidden =
      run_decoder(opened.model, ids, [&](std::int64_t) { progress.step(); });
  const Head head(load_head(opened.model));
  std::vector<Tensor> logits;
  for (const Tensor& x : hidden)
    logits.push_back(logits_of(x, head).cpu());
  const Tensor all = at::stack(logits);
  write_safetensors(options.out, {{"logits", all}});
  progress.finish();
  print_result(options.output,
               {{"model", options.model},
                {"device", device.str()},
                {"out", options.out},
                {"shape", all.sizes().vec()}},
               [&](const Json&) { std::printf("wrote %s\n", options.out.c_str()); });
}

} // namespace

void add_logits(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("logits", "Logits of token ids, to compare with any other program");
  add_path(*command, "MODEL", options->model, any_model);
  command->add_option("--ids", options->ids, "safetensors file with input_ids [n, t]")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--out", options->out,
                   "safetensors file to write: logits [n, t, vocabulary] F32")
      ->required()
      ->type_name("FILE");
  add_device_option(*command, options->device);
  add_output_options(*command, options->output, "Print one JSON object: model, out, shape");
  command->footer(
      "Example: latticelens logits MODEL --ids ids.safetensors --out logits.safetensors");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
