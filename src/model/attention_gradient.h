// The gradient of attention, by strips like its value; the scores are computed again.
#pragma once
#include "tensor/gradient.h"

namespace latticelens {

/// From the gradient [n, t, heads * d] of attention's result to those of rotated queries
/// [n, heads, t, d], of keys and values [n, shared heads, t, d]. The same bytes at any thread
/// count.
Backward attention_gradient(const Tensor& queries, const Tensor& keys, const Tensor& values,
                            std::int64_t window, const Tensor& sinks = {});

} // namespace latticelens
