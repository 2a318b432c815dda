// What every refused command looks like.
#pragma once
#include "tests/commands/program.h"
#include <algorithm>
#include <gtest/gtest.h>

namespace latticelens::testing {

/// Exit code 2, one line on stderr that holds `part`, nothing on stdout.
inline void expect_command_error(const std::vector<std::string>& arguments,
                                 const std::string& part) {
  const Outcome outcome = run_program(arguments);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

} // namespace latticelens::testing
