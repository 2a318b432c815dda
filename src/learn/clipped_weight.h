// Learned clipping of weights (Shao et al., "OmniQuant", arXiv 2308.13137, LWC).
#pragma once
#include "formats/format.h"

namespace latticelens {

/// Where clipping starts: sigmoid(4) = 0.982 of a block's maximum.
inline constexpr double first_clipping = 4;

/// Of a weight [out, in]: [out, in / block], all first_clipping.
Tensor no_clipping_yet(const Tensor& weight, const Format& format);

/// weight [out, in] rounded to nearest, where the format's rule chooses each block's scale s for
/// sigmoid(clipping) times the block's largest magnitude. Differentiable: the rule's power of two
/// goes with what it follows from (its logarithm is straight-through), ds / d clipping = s (1 -
/// sigmoid), and with the block's largest weight m, ds / dm = s / m; the value's gradient by s is
/// (value - weight) / s where |weight| is inside the grid and the outermost level beyond, that by
/// the weight 1 and 0 (Esser et al., "Learned step size quantization", arXiv 1902.08153).
Tensor clipped_weight(const Tensor& weight, const Tensor& clipping, const Format& format);

/// The same of rows [n, in] without clipping: rounded to nearest.
Tensor rounded_with_scales(const Tensor& rows, const Format& format);

} // namespace latticelens
