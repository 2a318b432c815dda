// xᵀx of many rows: the bulk of calibration.
#pragma once
#include "tensor/tensor.h"

namespace latticelens {

/// gram [width, width] fp64 += xᵀ x for x [rows, width] fp32: the product is summed in fp32, on or
/// below the diagonal only; what lies above it in `gram` means nothing. The same bytes at any
/// thread count.
void add_gram(const Tensor& x, Tensor& gram);

namespace reference {
/// All of xᵀ x.
void add_gram(const Tensor& x, Tensor& gram);
} // namespace reference

} // namespace latticelens
