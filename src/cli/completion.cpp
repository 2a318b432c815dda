#include "cli/completion.h"

#include "cli/command_options.h"
#include "cli/commands.h"
#include "core/error.h"
#include <cstdio>

namespace latticelens {
namespace {

struct Shell {
  const char* name;
  std::string (*script)(const DeclaredProgram&);
};

constexpr Shell shells[] = {
    {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};

void print_script(const CLI::App& program, const std::string& name) {
  for (const Shell& shell : shells)
    if (name == shell.name) {
      std::fputs(shell.script(declarations_of(program)).c_str(), stdout);
      return;
    }
  throw Error("completion", "no script for the shell \"" + name + "\"; known: bash, zsh, fish");
}

} // namespace

void add_completion(CLI::App& program) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = program.add_subcommand(
      "completion", "A script that completes commands, options and their values in a shell");
  add_choice(*command, "SHELL", *shell, "bash|zsh|fish", "Whose script to print")->required();
  command->footer(
      "Example: source <(latticelens completion bash)\n"
      "         latticelens completion fish >~/.config/fish/completions/latticelens.fish");
  command->callback([&program, shell] { print_script(program, *shell); });
}

} // namespace latticelens
