#include "cli/choices.h"
#include "cli/completion.h"
#include "core/words.h"

namespace latticelens {
namespace {

// Readline takes "=" for a word of its own in --flag=value. An empty COMPREPLY means file names.
const char* const head =
    R"(# Completion of latticelens for bash, printed by `latticelens completion bash`.
_latticelens() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local words='' kind=files prefix=''
  if [[ $current == '=' ]]; then current=''; fi
  if [[ $previous == '=' ]]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi
  if ((COMP_CWORD == 1)); then previous=''; fi
  case "$previous" in
    -*) ;;
    *) previous='' ;;
  esac
  local command=''
  if ((COMP_CWORD > 1)); then command=${COMP_WORDS[1]}; fi
  case "$command $previous" in
)";

const char* const tail = R"(  esac
  if [[ $kind == files && $current == -* ]]; then kind=words; fi
  if [[ $kind == files ]]; then return; fi
  compopt +o default 2>/dev/null
  case $kind in
    nothing) return ;;
    folders)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return ;;
    list)
      compopt -o nospace 2>/dev/null
      if [[ $current == *,* ]]; then prefix=${current%,*},; current=${current##*,}; fi ;;
  esac
  mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$words" -- "$current")
}
complete -o default -F _latticelens latticelens
)";

std::string quoted(const std::vector<std::string>& words) {
  return "'" + joined(words, " ") + "'";
}

std::string value_of(const DeclaredOption& option) {
  if (!option.choices.empty())
    return std::string("kind=") + (option.list ? "list" : "words") +
           " words=" + quoted(option.choices);
  if (option.type_name == "DIR")
    return "kind=folders";
  return is_path(option.type_name) ? "kind=files" : "kind=nothing";
}

/// What may follow a flag that takes a value.
std::string values_of(const DeclaredCommand& command) {
  std::string text;
  for (const DeclaredOption& option : command.options) {
    if (option.flags.empty() || option.type_name.empty())
      continue;
    std::string pattern;
    for (const std::string& flag : option.flags)
      pattern += (pattern.empty() ? "" : " | ") + ("'" + command.name + " " + flag + "'");
    text += "    " + pattern + ") " + value_of(option) + " ;;\n";
  }
  return text;
}

/// Flags, and the choices of what is told by its place.
std::string words_of_command(const DeclaredCommand& command) {
  std::vector<std::string> words = flags_of(command.options);
  std::string kind;
  for (const DeclaredOption& option : command.options)
    if (option.flags.empty() && !option.choices.empty()) {
      words = option.choices;
      kind = "kind=words ";
    }
  return "    '" + command.name + " '*) " + kind + "words=" + quoted(words) + " ;;\n";
}

} // namespace

std::string bash_completion(const DeclaredProgram& program) {
  std::vector<std::string> first = names_of_commands(program);
  for (const std::string& flag : flags_of(program.options))
    first.push_back(flag);
  std::string text = head;
  text += "    ' ') kind=words words=" + quoted(first) + " ;;\n";
  for (const DeclaredCommand& command : program.commands)
    text += values_of(command) + words_of_command(command);
  return text + tail;
}

} // namespace latticelens
