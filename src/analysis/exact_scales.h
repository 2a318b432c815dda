// The fp16-scale counterparts of the power-of-two formats, as the block-rotation paper pairs them.
#pragma once
#include "formats/format.h"
#include <optional>

namespace latticelens {

/// bfp4 for mxfp4 and bint4 for mxint4, with the same block; none for other formats.
std::optional<Format> with_exact_scales(const Format& format);

} // namespace latticelens
