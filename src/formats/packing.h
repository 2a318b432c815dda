// Weights as bytes, and back.
#pragma once
#include "formats/format.h"
#include <functional>
#include <map>

namespace latticelens {

/// The stored tensors of one weight by the ends of their names: "_packed", "_scale", ...
using PackedWeight = std::map<std::string, Tensor>;

/// Gives the tensor whose name ends so, or an undefined one.
using LoadPart = std::function<Tensor(const std::string& end)>;

/// values [out, in] as the rounding left them, with their scales [out, in/block] (fp32).
struct UnpackedWeight {
  Tensor values, scales;
};

/// How a rounding's result is stored. `format` is settled for the weight (`Format::on`) when
/// packing; unpacking reads what was settled from the parts. Errors of `unpack`, naming `where`:
/// parts that are missing or do not fit together, codes and scales that mean nothing.
struct Packing {
  const char* name;
  const char* main_part; // the end of a name that every weight stored so has
  PackedWeight (*pack)(const UnpackedWeight& weight, const Format& format);
  UnpackedWeight (*unpack)(const LoadPart& load, const Format& format, const std::string& where);
};

/// "grid": codes of the format's own grid and its scales.
/// _packed U8 [out, in * bits / 8], the first value in the lowest bits; floating grids as sign and
/// magnitude, integers in two's complement. _scale: E8M0 and E4M3 bytes (U8), fp16 or fp32;
/// _global_scale fp32 [1] where the tensor has a second scale.
const Packing& grid_packing();

/// Parts as compressed-tensors names and types them, where they are not those of "grid", which is
/// read too. nvfp4-pack-quantized: _scale is F8_E4M3.
const Packing& nvfp4_packing();
/// pack-quantized, integers of 4 or 8 bits: _packed I32 [out, ceil(in * bits / 32)] of code +
/// 2^(bits-1), the first value in the lowest bits; _scale [out, in/block] F32, F16 or BF16; _shape
/// I64 [2]. Reads the code -2^(bits-1) too, which no integer format here has.
const Packing& integer_packing();
/// mxfp8-quantized and int-quantized: the weight itself is F8_E4M3 or I8 [out, in]; _scale U8
/// (E8M0) or F32.
const Packing& element_packing();

/// "huffman": integers with one step for the whole matrix (HPTQ). _huffman U8 stream, _symbols
/// I32, _lengths U8, _count I64 [3] (values, stream bits, columns), _step F32 [1].
const Packing& huffman_packing();

/// "sparse": the grid's codes, a factor a row, and what lies outside the grid beside it (SSQR).
/// The parts of "grid" (scales in fp32 unless they are E8M0), _factor F32 [out] with E8M0, _outlier
/// F32 [k] and _outlier_place I32 [k], ascending.
const Packing& sparse_packing();

/// "gguf": blocks as GGUF files have them. _blocks U8 [out, bytes of a row], _type I64 [1]: ggml's
/// number of the type, which differs from the format's where rows are no whole superblocks.
const Packing& coded_packing();

/// Unpacked parts that are in memory.
LoadPart parts_of(const PackedWeight& packed);

} // namespace latticelens
