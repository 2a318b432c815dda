// Phi-3, Phi-3.5 mini, Phi-4: LLaMA's block with queries, keys and values in one matrix, gate and
// up in another.
#pragma once
#include "model/family.h"

namespace latticelens {

Family phi3_family();

} // namespace latticelens
