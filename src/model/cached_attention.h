// Attention of new tokens to all that a cache holds.
#pragma once
#include "tensor/tensor.h"
#include <cstdint>

namespace latticelens {

/// Queries [texts, heads, t, d] of the last t tokens; keys and values [texts, shared heads, n, d]
/// of all. window: how many keys a query sees, itself among them; 0: all before it. sinks: as
/// Block's. -> [texts, t, heads * d]. For few queries: a row of scores each, where `attend` makes
/// strips of 96.
Tensor attend_past(const Tensor& queries, const Tensor& keys, const Tensor& values,
                   std::int64_t window, const Tensor& sinks = {});

} // namespace latticelens
