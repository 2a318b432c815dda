// Whether a coder is one, asked wherever one comes from outside or goes there.
#pragma once
#include "sae/coder.h"

namespace latticelens {

/// Errors, naming `where`: tensors that are missing, of other shapes than CoderWeights and
/// CoderConfig say, not fp32 or not on the CPU; numbers that are not finite; k outside 1 .. n; a
/// factor that is not positive.
void check_coder(const Coder& coder, const std::string& where);

} // namespace latticelens
