// Values that were rounded already: the scales that they were rounded with.
#pragma once
#include "formats/format.h"
#include <optional>

namespace latticelens {

/// Scales [out, in/block] fp32 for which every one of `values` [out, in] is a code of the format,
/// to the bit; none when a block has no such scale. `format` is settled for the weight (its second
/// scale is the one to be found under). Integers may have the code below their grid, as -8 of 4
/// bits, and a negative scale, as GGUF's Q4_0 has.
std::optional<Tensor> scales_on_grid(const Tensor& values, const Format& format);

} // namespace latticelens
