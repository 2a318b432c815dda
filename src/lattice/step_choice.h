// Choosing the steps of a block of coordinates by the error that rounding with them leaves.
#pragma once
#include "kernels/feedback.h"
#include "lattice/babai.h"

namespace latticelens {

/// Fills steps [part.columns, strip_width] of a block whose outer corrections are in panel.targets:
/// of `candidates` proposals the one, per row, with the least error of Babai's rule in the block.
void choose_block_steps(const FeedbackPanel& panel, const Part& part, int candidates,
                        const ElementGrid& grid, const ChooseSteps& choose, float* steps);

} // namespace latticelens
