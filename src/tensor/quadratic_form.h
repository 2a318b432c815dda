// tr(D S Dᵀ): the error of a layer's outputs by their moments.
#pragma once
#include "tensor/tensor.h"

namespace latticelens {

/// Sum over the rows d of `rows` [m, n] fp64 of d S dᵀ, S symmetric [n, n] fp64. The same bytes at
/// any thread count.
double quadratic_form(const Tensor& rows, const Tensor& symmetric);

namespace reference {
double quadratic_form(const Tensor& rows, const Tensor& symmetric);
} // namespace reference

} // namespace latticelens
