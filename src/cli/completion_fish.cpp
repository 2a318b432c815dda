#include "cli/choices.h"
#include "cli/completion.h"
#include "core/words.h"
#include "text/utf8.h"

namespace latticelens {
namespace {

const char* const head =
    "# Completion of latticelens for fish, printed by `latticelens completion fish`.\n"
    "complete -c latticelens -f\n";

std::string quoted(const std::string& text) {
  return "'" + replace_all(replace_all(text, "\\", "\\\\"), "'", "\\'") + "'";
}

std::string value_of(const DeclaredOption& option) {
  const std::string choices = joined(option.choices, " ");
  if (option.list)
    return " -x -a " + quoted("(__fish_append , " + choices + ")");
  if (!option.choices.empty())
    return " -x -a " + quoted(choices);
  if (option.type_name == "DIR")
    return " -x -a '(__fish_complete_directories)'";
  if (is_path(option.type_name))
    return " -r -F";
  return option.type_name.empty() ? "" : " -x";
}

std::string line(const DeclaredOption& option, const std::string& condition) {
  std::string text = "complete -c latticelens -n " + quoted(condition);
  for (const std::string& flag : option.flags)
    text += flag.starts_with("--") ? " -l " + flag.substr(2) : " -s " + flag.substr(1);
  if (option.flags.empty()) // by its place: no flag to require a value
    return text + (option.choices.empty() ? " -F" : " -a " + quoted(joined(option.choices, " "))) +
           "\n";
  return text + value_of(option) + " -d " + quoted(brief(option.help)) + "\n";
}

} // namespace

std::string fish_completion(const DeclaredProgram& program) {
  std::string text = head;
  for (const DeclaredOption& option : program.options)
    text += line(option, "__fish_use_subcommand");
  for (const DeclaredCommand& command : program.commands)
    text += "complete -c latticelens -n __fish_use_subcommand -a " + command.name + " -d " +
            quoted(brief(command.help)) + "\n";
  for (const DeclaredCommand& command : program.commands)
    for (const DeclaredOption& option : command.options)
      text += line(option, "__fish_seen_subcommand_from " + command.name);
  return text;
}

} // namespace latticelens
