#include "cli/command_options.h"
#include "cli/commands.h"
#include "cli/tables.h"
#include <cstdio>

namespace latticelens {

void add_list(CLI::App& program) {
  auto options = std::make_shared<OutputOptions>();
  CLI::App* command = program.add_subcommand(
      "list", "Formats, roundings, transforms, presets, families and tasks there are");
  add_output_options(*command, *options, "Print one JSON object");
  command->footer("Example: latticelens list");
  command->callback([options] {
    print_result(*options, all_tables(),
                 [](const Json& tables) { std::fputs(tables_text(tables).c_str(), stdout); });
  });
}

} // namespace latticelens
