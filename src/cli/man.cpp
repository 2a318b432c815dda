#include "cli/commands.h"
#include "cli/declarations.h"
#include "cli/exit_codes.h"
#include "cli/topics.h"
#include "core/words.h"
#include "text/utf8.h"
#include <cstdio>

namespace latticelens {
namespace {

/// A text as troff reads it: its own characters escaped, others than ASCII by their number, so that
/// no locale is needed.
std::string roff(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    if (character.code > 127) {
      char code[16];
      std::snprintf(code, sizeof code, "\\[u%04X]", static_cast<unsigned>(character.code));
      result += code;
    } else if (character.code == '\\' || character.code == '-') {
      result += character.code == '-' ? "\\-" : "\\e";
    } else {
      const bool starts_line = result.empty() || result.back() == '\n';
      if (starts_line && (character.code == '.' || character.code == '\''))
        result += "\\&"; // else it would be a request
      result += static_cast<char>(character.code);
    }
    at += character.length;
  }
  return result;
}

std::string bold(const std::string& text) {
  return "\\fB" + roff(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + roff(text) + "\\fR";
}

std::string item(const std::string& label, const std::string& text) {
  return ".TP\n" + label + "\n" + text + "\n";
}

std::string label_of(const DeclaredOption& option) {
  if (option.flags.empty())
    return italic(option.name);
  std::string text;
  for (const std::string& flag : option.flags)
    text += (text.empty() ? "" : ", ") + bold(flag);
  return option.type_name.empty() ? text : text + " " + italic(option.type_name);
}

std::string text_of(const DeclaredOption& option) {
  std::string text = roff(option.help) + ".";
  const std::string choices = joined(option.choices, ", ");
  const bool told = option.type_name.find('|') != std::string::npos || // in the label
                    option.help.find(choices) != std::string::npos;
  if (!told)
    text += " One of: " + roff(choices) + ".";
  if (!option.bounds.empty())
    text += " " + roff(option.bounds) + ".";
  if (!option.fallback.empty())
    text += " Default: " + roff(option.fallback) + ".";
  if (option.required && !option.flags.empty())
    text += " Required.";
  return text;
}

std::string section_of(const DeclaredCommand& command) {
  std::string text = ".SS " + command.name + "\n" + roff(command.help) + ".\n";
  for (const DeclaredOption& option : command.options)
    text += item(label_of(option), text_of(option));
  return text + ".PP\n.nf\n" + roff(command.example) + "\n.fi\n";
}

std::string man_page(const DeclaredProgram& program) {
  std::string text = ".TH LATTICELENS 1 \"\" \"latticelens " LATTICELENS_VERSION "\" \"\"\n";
  text += ".SH NAME\nlatticelens \\- quantize large language models and see what was lost\n";
  text += ".SH SYNOPSIS\n" + bold(program.name) + " " + italic("COMMAND") + " [" +
          italic("OPTIONS") + "]\n.br\n" + bold(program.name) + " help [" + italic("TOPIC") + "]\n";
  text += ".SH DESCRIPTION\n" + roff(program.help) + "\n";
  for (const DeclaredOption& option : program.options)
    text += item(label_of(option), text_of(option));
  text += ".SH COMMANDS\n";
  for (const DeclaredCommand& command : program.commands)
    text += section_of(command);
  text += ".SH TOPICS\nShown by " + bold("latticelens help") + " " + italic("TOPIC") + ".\n";
  for (const Topic& topic : topics())
    text += item(bold(topic.name), roff(topic.help) + ".");
  text += ".SH EXIT STATUS\n";
  for (const ExitCode& row : exit_codes())
    text += item(std::to_string(row.code), roff(row.help));
  return text;
}

} // namespace

void add_man(CLI::App& program) {
  CLI::App* command = program.add_subcommand("man", "The manual page, to be read by man or groff");
  command->footer("Example: latticelens man >latticelens.1 && man -l latticelens.1");
  command->callback([&program] { std::fputs(man_page(declarations_of(program)).c_str(), stdout); });
}

} // namespace latticelens
