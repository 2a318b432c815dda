#include "cli/program.h"

#include "cli/commands.h"

namespace latticelens {

std::unique_ptr<CLI::App> make_program() {
  auto program = std::make_unique<CLI::App>(
      "LatticeLens quantizes large language models and shows what was lost.", "latticelens");
  program->set_version_flag("--version", "latticelens " LATTICELENS_VERSION);
  program->require_subcommand(1);
  program->footer(
      "Example: latticelens quantize MODEL --preset brq --calibration text.txt --out run/\n"
      "More: latticelens help (topics), latticelens help exit-codes");
  add_quantize(*program);
  add_evaluate(*program);
  add_generate(*program);
  add_compare(*program);
  add_bench(*program);
  add_report(*program);
  add_analyse(*program);
  add_inspect(*program);
  add_reduce(*program);
  add_export(*program);
  add_convert(*program);
  add_pretrain(*program);
  add_sae(*program);
  add_list(*program);
  add_logits(*program);
  add_tokenize(*program);
  add_help(*program);
  add_completion(*program);
  add_man(*program);
  return program;
}

} // namespace latticelens
