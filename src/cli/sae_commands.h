// The commands below `latticelens sae`.
#pragma once
#include <CLI/CLI.hpp>

namespace latticelens {

void add_sae_evaluate(CLI::App& sae);

} // namespace latticelens
