#include "cli/choices.h"
#include "cli/completion.h"
#include "core/words.h"
#include "text/utf8.h"

namespace latticelens {
namespace {

const char* const head = R"(#compdef latticelens
# Completion of latticelens for zsh, printed by `latticelens completion zsh`.
_latticelens() {
  local curcontext=$curcontext state line
  typeset -A opt_args
)";

const char* const tail = R"(      esac ;;
  esac
}
if [[ $funcstack[1] == _latticelens ]]; then _latticelens "$@"; else compdef _latticelens latticelens; fi
)";

/// Between single quotes, in a description of _arguments.
std::string escaped(std::string text) {
  for (const char* special : {"\\", "[", "]", ":"})
    text = replace_all(text, special, std::string("\\") + special);
  return replace_all(text, "'", "'\\''");
}

std::string action_of(const DeclaredOption& option) {
  if (option.list)
    return "_values -s , value " + joined(option.choices, " ");
  if (!option.choices.empty())
    return "(" + joined(option.choices, " ") + ")";
  if (option.type_name == "DIR")
    return "_files -/";
  return is_path(option.type_name) ? "_files" : " ";
}

std::string argument(const DeclaredOption& option, const std::string& start) {
  std::string text = "'" + start;
  if (!option.flags.empty())
    text += "[" + escaped(brief(option.help)) + "]";
  if (!option.type_name.empty())
    text += ":" + escaped(option.flags.empty() ? option.name : option.type_name) + ":" +
            action_of(option);
  return text + "'";
}

std::string arguments_of(const std::vector<DeclaredOption>& options) {
  std::string text;
  int place = 0;
  for (const DeclaredOption& option : options) {
    if (option.flags.empty())
      text += " " + argument(option, std::to_string(++place));
    for (const std::string& flag : option.flags)
      text += " " + argument(option, flag);
  }
  return text;
}

} // namespace

std::string zsh_completion(const DeclaredProgram& program) {
  std::string text = head;
  text += "  _arguments -C" + arguments_of(program.options) +
          " '1:command:->command' '*::argument:->argument'\n"
          "  case $state in\n    command)\n      local -a commands\n      commands=(\n";
  for (const DeclaredCommand& command : program.commands)
    text += "        '" + command.name + ":" + escaped(brief(command.help)) + "'\n";
  text += "      )\n      _describe command commands ;;\n    argument)\n      case $words[1] in\n";
  for (const DeclaredCommand& command : program.commands)
    text += "        " + command.name + ") _arguments" + arguments_of(command.options) + " ;;\n";
  return text + tail;
}

} // namespace latticelens
