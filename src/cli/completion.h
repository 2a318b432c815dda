// Completion scripts for shells, made from the program's declarations.
#pragma once
#include "cli/declarations.h"

namespace latticelens {

std::string bash_completion(const DeclaredProgram& program);
std::string zsh_completion(const DeclaredProgram& program);
std::string fish_completion(const DeclaredProgram& program);

} // namespace latticelens
