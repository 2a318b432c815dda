// Encoding as the definitions say it, in fp64 and without any care for speed: what fast forms are
// tested against.
#pragma once
#include "sae/coder.h"
#include "sae/codes.h"

namespace latticelens::reference {

/// x [B, d] scaled as the configuration says. Error: a value that is not finite.
Tensor scale_inputs(const CoderConfig& config, const Tensor& x);

/// x [B, d] unscaled. The codes of a row by falling value, equal values by rising index; of equal
/// values the lowest indices are chosen (with batch_top_k whose threshold is not known, the first
/// of the batch). Errors: a value that is not finite, another width, k above the latents.
Codes encode(const Coder& coder, const Tensor& x);

/// [B, d]: of the scaled inputs.
Tensor decode(const Coder& coder, const Codes& codes);

} // namespace latticelens::reference
