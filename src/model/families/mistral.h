// Mistral 7B and Nemo: LLaMA's block with a sliding window.
#pragma once
#include "model/family.h"

namespace latticelens {

Family mistral_family();

} // namespace latticelens
