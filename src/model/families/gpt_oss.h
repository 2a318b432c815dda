// gpt-oss (OpenAI 2025): experts with biases and a clamped gate, attention sinks, YaRN positions.
// Architecture: https://huggingface.co/docs/transformers/model_doc/gpt_oss
#pragma once
#include "model/family.h"

namespace latticelens {

Family gpt_oss_family();

} // namespace latticelens
