#include "cli/commands.h"
#include "cli/program.h"
#include "cli/topics.h"
#include "core/error.h"
#include "core/words.h"
#include <algorithm>
#include <cstdio>

namespace latticelens {
namespace {

std::string overview() {
  // Anew: a tree in which a command was found gives that command's help.
  std::string text = make_program()->help() + "\nTopics (latticelens help TOPIC):\n";
  for (const Topic& topic : topics()) {
    std::string name = topic.name;
    name.resize(std::max<std::size_t>(name.size(), 18), ' ');
    text += "  " + name + topic.help + "\n";
  }
  return text;
}

std::string text_of(const CLI::App& program, const std::string& topic) {
  if (topic.empty())
    return overview();
  for (const CLI::App* command : program.get_subcommands(nullptr))
    if (command->get_name() == topic)
      return command->help(program.get_name());
  for (const Topic& row : topics())
    if (topic == row.name)
      return row.text();
  throw Error("help", "no topic \"" + topic + "\"; known: every command, " + names_of(topics()));
}

} // namespace

void add_help(CLI::App& program) {
  auto topic = std::make_shared<std::string>();
  CLI::App* command = program.add_subcommand(
      "help", "What a command's options are, or a topic: methods, formats, exit codes ...");
  command->add_option("TOPIC", *topic, "A command or a topic; without it, the list of both")
      ->type_name("TOPIC");
  command->footer("Example: latticelens help methods");
  command->callback([&program, topic] { std::fputs(text_of(program, *topic).c_str(), stdout); });
}

} // namespace latticelens
