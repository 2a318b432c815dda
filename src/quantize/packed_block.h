// Blocks of a quantized folder that multiply what is stored, without making fp32 of it.
#pragma once
#include "quantize/activations.h"

namespace latticelens {

/// The linears of one block whose stage can multiply encoded rows: all its weights are stored as
/// MXFP4 in `grid_packing`. By their names in the block.
PackedMatrices load_packed_matrices(const Model& model, std::int64_t layer);

/// The block to run: the linears of those stages have no fp32 weight.
Block load_packed_block(const Model& model, std::int64_t layer, const ActivationSpec& spec);

} // namespace latticelens
