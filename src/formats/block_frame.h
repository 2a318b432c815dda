// GGUF's types as formats: the scales of a weight's blocks are chosen at once, codes afterwards.
#pragma once
#include "formats/format.h"

namespace latticelens {

/// Storage of one value, its share of the block's scales included.
double bits_of(const CodedType& type);

/// The type that stores rows of this width: `type`, or a type of blocks of 32 where the rows are no
/// whole superblocks, as llama.cpp has it. Error: rows that are no multiple of 32.
const CodedType& type_for_width(const CodedType& type, std::int64_t width);

/// The format with the frame of `weight` [out, in]: the scales that the type's encoder chooses, by
/// search when there is an importance [in].
Format framed(const Format& format, const Tensor& weight, const Tensor& importance);

/// What the bytes [out, bytes of a row] of a type say of their scales.
BlockFrame frame_of_bytes(const CodedType& type, const Tensor& bytes);

/// A coded format, its frame still to come.
Format coded_format(const char* name, const char* type);

} // namespace latticelens
