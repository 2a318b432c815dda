// The formats, one file each; formats.cpp is their table.
#pragma once
#include "formats/format.h"
#include <limits>

namespace latticelens {

/// The numbers that free scales are chosen from.
inline constexpr ElementGrid e4m3_scales{3, -6, 448}, fp16_scales{10, -14, 65504};
/// fp32 scales; those below 2^-123 are not used, so that their inverses are finite.
inline constexpr ElementGrid fp32_scales{23, -100, std::numeric_limits<float>::max()};

Format mxfp4();
Format mxfp6_e2m3();
Format mxfp6_e3m2();
Format mxfp8_e4m3();
Format mxint8();
Format mxint6();
Format mxint4();
Format nvfp4();
Format bint4();
Format bint8();
Format bfp4();
Format int4();
Format int8();

} // namespace latticelens
