// When a block's largest magnitude counts as having grown.
#pragma once

namespace latticelens {

/// The paper's "increase substantially" has no number; here: by more than a quarter.
constexpr double substantial_growth = 1.25;

} // namespace latticelens
