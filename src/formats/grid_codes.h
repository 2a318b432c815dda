// Codes of a grid to values: what packings of such codes share.
#pragma once
#include "formats/packing.h"

namespace latticelens {

/// packed U8 [out, in * bits / 8] (or undefined), the first value in the lowest bits; scales [out,
/// in/block] fp32; elements: of every code, NaN for those that stand for nothing. Errors, naming
/// `where`: parts that do not fit together, codes that stand for nothing.
UnpackedWeight decode_codes(const Tensor& packed, const Tensor& scales, const Format& format,
                            const std::vector<float>& elements, const std::string& where);

} // namespace latticelens
