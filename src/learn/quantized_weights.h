// Weights that are rounded while a basis is learned.
//
// Straight through, the rounded weight v moves with a basis as the weight w does. What the factors
// of learn/basis_factor.h see is v moving; the difference needs the gradient g of the outputs and
// the inputs x once more: with e = v - w and M = gᵀ x, a reader's factor gets -eᵀ M, a writer's -e
// Mᵀ, on the blocks of the diagonal.
#pragma once
#include "formats/format.h"
#include "learn/basis_factor.h"

namespace latticelens {

/// The values [out, in] of a weight whose codes are the nearest.
Tensor rounded_to_nearest(const Tensor& weight, const Format& format);

/// Every linear of a stage multiplies by its weight rounded to nearest. `factors` undefined: values
/// only. Before install_basis_factors.
void install_quantized_weights(Block& block, const Model& model, const Format& format,
                               const BasisFactors& factors);

} // namespace latticelens
