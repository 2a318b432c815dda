// Token ids as tensors.
#pragma once
#include "tensor/tensor.h"
#include <cstdint>
#include <span>
#include <vector>

namespace latticelens {

/// ids: rows of `length` tokens, one after the other. One int64 tensor [length] a row.
std::vector<Tensor> token_rows(std::span<const std::int32_t> ids, std::int64_t length);

} // namespace latticelens
