// GPT-NeoX and Pythia: layer norms with biases, attention and feed-forward part side by side.
#pragma once
#include "model/family.h"

namespace latticelens {

Family gpt_neox_family();

} // namespace latticelens
