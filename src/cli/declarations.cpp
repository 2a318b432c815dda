#include "cli/declarations.h"

#include "cli/choices.h"

namespace latticelens {
namespace {

constexpr std::size_t brief_length = 72;

DeclaredOption declared(const CLI::Option& option) {
  DeclaredOption result{.help = option.get_description(),
                        .fallback = option.get_default_str(),
                        .required = option.get_required()};
  for (const std::string& name : option.get_snames())
    result.flags.push_back("-" + name);
  for (const std::string& name : option.get_lnames())
    result.flags.push_back("--" + name);
  if (result.flags.empty())
    result.name = option.get_name();
  if (option.get_items_expected_max() == 0)
    return result;
  const std::string type = option.get_type_name(); // "INT:INT in [2 - 16]"
  const std::size_t colon = type.find(':');
  result.type_name = type.substr(0, colon);
  result.bounds = colon == std::string::npos ? "" : type.substr(colon + 1);
  result.choices = choices_of(result.type_name);
  result.list = is_list(result.type_name);
  return result;
}

std::vector<DeclaredOption> options_of(const CLI::App& app) {
  std::vector<DeclaredOption> result;
  for (const CLI::Option* option : app.get_options())
    result.push_back(declared(*option));
  return result;
}

} // namespace

DeclaredProgram declarations_of(const CLI::App& program) {
  DeclaredProgram result{.name = program.get_name(),
                         .help = program.get_description(),
                         .options = options_of(program)};
  for (const CLI::App* command : program.get_subcommands(nullptr))
    result.commands.push_back({command->get_name(), command->get_description(),
                               command->get_footer(), options_of(*command)});
  const std::vector<std::string> names = names_of_commands(result);
  for (DeclaredCommand& command : result.commands)
    for (DeclaredOption& option : command.options)
      if (option.type_name == "TOPIC") // every command is a topic too
        option.choices.insert(option.choices.end(), names.begin(), names.end());
  return result;
}

std::vector<std::string> names_of_commands(const DeclaredProgram& program) {
  std::vector<std::string> names;
  for (const DeclaredCommand& command : program.commands)
    names.push_back(command.name);
  return names;
}

std::vector<std::string> flags_of(const std::vector<DeclaredOption>& options) {
  std::vector<std::string> flags;
  for (const DeclaredOption& option : options)
    flags.insert(flags.end(), option.flags.begin(), option.flags.end());
  return flags;
}

std::string brief(const std::string& help) {
  const std::string first = help.substr(0, help.find_first_of(";:\n"));
  if (first.size() <= brief_length)
    return first;
  return first.substr(0, first.rfind(' ', brief_length)) + " ...";
}

} // namespace latticelens
