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

/// Runs latticelens with these arguments. `environment`: NAME=VALUE words set before it.
Outcome run_program(const std::vector<std::string>& arguments, const std::string& environment = "");

/// Runs it and sends SIGKILL after some milliseconds. Returns whether the signal came before its
/// end.
bool run_and_kill(const std::vector<std::string>& arguments, int milliseconds);

/// Every file below a folder with its bytes, by relative path.
std::vector<std::pair<std::string, std::string>>
folder_contents(const std::filesystem::path& folder);

} // namespace latticelens::testing
