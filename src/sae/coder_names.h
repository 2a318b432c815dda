// The words for what a coder's configuration chooses, in files and on the command line.
#pragma once
#include "sae/coder.h"

namespace latticelens {

const char* name_of(Selection selection);
const char* name_of(InputScaling scaling);

/// Error, naming `where`: not one of the names.
Selection selection_named(const std::string& name, const std::string& where);
InputScaling input_scaling_named(const std::string& name, const std::string& where);

} // namespace latticelens
