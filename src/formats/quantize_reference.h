// Quantizing activations with LibTorch's operations: what our kernels are tested against, and what
// a GPU computes.
#pragma once
#include "formats/format.h"

namespace latticelens::reference {

/// Format::quantize on any device: the same values, but that the search over multipliers of a scale
/// sums its squared errors in another order. Rows of x are multiples of the format's block.
Tensor quantize(const Format& format, const Tensor& x, SnapCounts& counts);

} // namespace latticelens::reference
