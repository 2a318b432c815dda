// Min-pivot order: always eliminate next what is shortest now (Chen et al., §4.5; sorted QR).
#pragma once
#include "lattice/order.h"

namespace latticelens {

/// Cholesky of h + lambda I with the smallest remaining diagonal as the next pivot; the first pivot
/// is rounded last. With block > 1 the block of the smallest trace is eliminated as a whole.
bool factor_min_pivot(const Tensor& h, double lambda, std::int64_t block, OrderedFactor& result);

namespace reference {
/// One pivot after the other on the whole matrix.
bool factor_min_pivot(const Tensor& h, double lambda, std::int64_t block, OrderedFactor& result);
} // namespace reference

} // namespace latticelens
