// The program's declarations: every command with its options, in one tree.
#pragma once
#include <CLI/CLI.hpp>

namespace latticelens {

std::unique_ptr<CLI::App> make_program();

} // namespace latticelens
