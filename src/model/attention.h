// Rotary positions, causal grouped-query attention, RMS normalisation.
#pragma once
#include "model/block.h"

namespace latticelens {

Rope make_rope(const Config& config, std::int64_t tokens);

/// x [n, t, heads * head_dimension] -> [n, heads, t, head_dimension], rotated; half-split pairs (i,
/// i + dimension/2).
Tensor rotate_heads(const Tensor& x, std::int64_t heads, const Rope& rope);

/// q [n, t, heads * d], k and v [n, t, key_value_heads * d] -> [n, t, heads * d].
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
              const Config& config);

namespace reference {
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
              const Config& config);
} // namespace reference

/// x / sqrt(mean(x^2) + epsilon) * gain, over the last dimension.
Tensor rms_norm(const Tensor& x, const Tensor& gain, double epsilon);

} // namespace latticelens
