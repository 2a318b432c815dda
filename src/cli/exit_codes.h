// What the program's exit codes mean: one table for main, `help exit-codes` and the man page.
#pragma once
#include <string>
#include <vector>

namespace latticelens {

enum Exit { exit_done = 0, exit_wrong_input = 2, exit_defect = 3 };

struct ExitCode {
  int code;
  const char* help;
};

const std::vector<ExitCode>& exit_codes();

} // namespace latticelens
