// The plain per-column GPTQ loop on torch tensors, as published code does it: what the benchmarks
// compare with.
#pragma once
#include "formats/format.h"

namespace latticelens {

/// weight [out, in], gram [in, in] -> rounded values [out, in]. Damping 0.01 of the mean diagonal,
/// blocks of 128 columns, scales from the stale matrix.
Tensor plain_gptq(const Tensor& weight, const Tensor& gram, const Format& format);

} // namespace latticelens
