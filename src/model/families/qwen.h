// Qwen2 and 2.5: LLaMA's block with biases on queries, keys and values. Qwen3: each head of queries
// and keys normalised instead.
#pragma once
#include "model/family.h"

namespace latticelens {

Family qwen2_family();
Family qwen3_family();

} // namespace latticelens
