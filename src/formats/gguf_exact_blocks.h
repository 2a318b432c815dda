// GGUF blocks of values that are codes already: taken over, not rounded anew.
#pragma once
#include "formats/format.h"
#include "tensor/gguf_blocks.h"
#include <optional>

namespace latticelens {

/// The format whose codes a GGUF type holds, by the type's name: MXFP4, NVFP4, Q4_0 and Q8_0.
std::optional<Format> format_of_gguf_type(std::string_view type);

/// The name of the GGUF type that holds a format's codes; empty: none does.
std::string gguf_type_of(const Format& format);

/// values [rows, n] as blocks [rows, bytes of a row] U8 of the type; undefined when they are no
/// codes of it. second_scale: what NVFP4's values were multiplied by for their block scales; 1 for
/// the other types.
Tensor exact_blocks(const BlockType& type, const Tensor& values, float second_scale);

/// MXFP4's parts as grid_packing() stores them, packed [out, in/2] and scales [out, in/32] of
/// bytes, as GGUF's blocks [out, in/32 * 17] U8. Error: they do not fit together, a scale is NaN.
Tensor mxfp4_blocks(const Tensor& packed, const Tensor& scales);

} // namespace latticelens
