// Rotary positions, causal grouped-query attention.
#pragma once
#include "model/block.h"
#include "tensor/device.h"

namespace latticelens {

/// The tables for texts of at most `tokens` tokens.
Rope make_rope(const Config& config, std::int64_t tokens, Device device = at::kCPU);

/// x [n, t, heads * head_dimension] -> [n, heads, t, head_dimension], the first 2p dimensions of
/// each head rotated by p frequencies; half-split pairs (i, i + p). Differentiable.
Tensor rotate_heads(const Tensor& x, std::int64_t heads, const Rope& rope);

/// q [n, t, heads * d], k and v [n, t, key_value_heads * d] -> [n, t, heads * d]. window: how many
/// keys a query sees, itself among them; 0: all before it. `functions` act on rotated queries and
/// keys, and on values. sinks: as Block's. Differentiable but for them.
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
              const Config& config, std::int64_t window = 0, const HeadFunctions& functions = {},
              const Tensor& sinks = {});

/// The same with the block's window and functions.
Tensor attend(const Block& block, const Tensor& q, const Tensor& k, const Tensor& v,
              const Rope& rope, const Config& config);

namespace reference {
Tensor rotate_heads(const Tensor& x, std::int64_t heads, const Rope& rope);
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
              const Config& config, std::int64_t window = 0, const Tensor& sinks = {});
} // namespace reference

} // namespace latticelens
