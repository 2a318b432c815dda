// The program's declared commands and options as plain data: help topics, completion and the man
// page are made from it.
#pragma once
#include <CLI/CLI.hpp>

namespace latticelens {

struct DeclaredOption {
  std::vector<std::string> flags; // "--preset"; none when it is told by its place
  std::string name;               // by its place: "MODEL"
  std::string type_name;          // "PRESET"; empty: it takes no value
  std::string bounds;             // "INT in [2 - 16]", or empty
  std::string help, fallback;
  std::vector<std::string> choices; // empty: anything
  bool list = false;                // several choices, separated by commas
  bool required = false;
};

struct DeclaredCommand {
  std::string name, help, example;
  std::vector<DeclaredOption> options;
};

struct DeclaredProgram {
  std::string name, help;
  std::vector<DeclaredOption> options;
  std::vector<DeclaredCommand> commands;
};

DeclaredProgram declarations_of(const CLI::App& program);

/// The names of its commands.
std::vector<std::string> names_of_commands(const DeclaredProgram& program);

/// Every flag of these options.
std::vector<std::string> flags_of(const std::vector<DeclaredOption>& options);

/// A help text's first words, for one line beside a name.
std::string brief(const std::string& help);

} // namespace latticelens
