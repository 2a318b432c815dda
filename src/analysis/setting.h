// What all analyses of one run share: the format, the rotations and what counts as an outlier.
#pragma once
#include "formats/format.h"
#include <cstdint>

namespace latticelens {

/// What stands before the quantizer. full: one random Hadamard matrix over the whole width
/// (QuaRot's); block: one of the format's block size on the whole diagonal (the block-rotation
/// paper's, eq. 6).
enum class Rotation { none, full, block };
constexpr Rotation all_rotations[] = {Rotation::none, Rotation::full, Rotation::block};
const char* to_text(Rotation rotation);

struct AnalysisSetting {
  Format format;                // with blocks, as in mxfp4
  double outlier_share = 0.001; // the largest magnitudes of an input are its outliers (section 4.1)
  std::uint64_t seed = 0;       // of the rotations' signs
};

/// The largest order of a Hadamard matrix that can be constructed and divides the width: the whole
/// width wherever a matrix of that order is known.
std::int64_t full_rotation_size(std::int64_t width);

/// x [..., width] times diag(signs) (I ⊗ H) / sqrt(size); the signs are one block's, drawn from the
/// seed. Size 1: x itself. Errors: those of make_transform.
Tensor rotate(const Tensor& x, std::int64_t size, std::uint64_t seed);

} // namespace latticelens
