// The command lines that a page offers: what made this run, and what would fill a gap.
#pragma once
#include "report/run_data.h"

namespace latticelens::report {

/// A word as a shell reads it back: quoted where it must be.
std::string shell_word(const std::string& text);

std::string quantize_command(const RunData& run);
std::string evaluate_command(const RunData& run);

} // namespace latticelens::report
