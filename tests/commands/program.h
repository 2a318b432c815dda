// Running the program as a user does: arguments in, exit code and both outputs back.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace latticelens::testing {

struct Outcome {
  int exit_code = 0; // -1: killed
  std::string out, err;
};

/// The program under test: that of the environment's LATTICELENS_PROGRAM (an installed one), else
/// that of the build.
std::string program_path();

/// Runs a script by bash; $PROGRAM is the program under test.
Outcome run_bash(const std::string& script);

/// Runs latticelens with these arguments. `environment`: NAME=VALUE words set before it.
Outcome run_program(const std::vector<std::string>& arguments, const std::string& environment = "");

/// Runs it and sends SIGKILL after some milliseconds. Returns whether the signal came before its
/// end.
bool run_and_kill(const std::vector<std::string>& arguments, int milliseconds);

/// Every file below a folder with its bytes, by relative path.
std::vector<std::pair<std::string, std::string>>
folder_contents(const std::filesystem::path& folder);

} // namespace latticelens::testing
