// LLaMA 2, 3, 3.1, 3.2 and models of the same architecture (SmolLM2, LLM-jp-3).
#pragma once
#include "model/family.h"

namespace latticelens {

Family llama_family();

} // namespace latticelens
