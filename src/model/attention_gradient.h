// The gradient of attention, by strips like its value; the scores are computed again.
#pragma once
#include "model/attention.h"
#include "tensor/gradient.h"

namespace latticelens {

/// From the gradient [n, t, heads * d] of attend's result to those of q, k and v. The same bytes at
/// any thread count.
Backward attention_gradient(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
                            const Config& config, std::int64_t window);

} // namespace latticelens
