// When the rate rises and falls, and when a checkpoint is due.
#pragma once
#include "pretrain/recipe.h"

namespace latticelens {

/// Of the step that follows `steps` others: up along a line, then down along a cosine to a tenth.
double learning_rate(const Recipe& recipe, std::int64_t steps);

/// After so many steps: at 0, 1, 2, 4, 8 ... up to `every`, then at its multiples, and at the end.
bool is_checkpoint(const Recipe& recipe, std::int64_t steps);

} // namespace latticelens
