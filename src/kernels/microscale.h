// Blocks of values that share one power-of-two scale (OCP Microscaling): choosing the scale, and
// rounding to it.
#pragma once
#include "kernels/element_grid.h"
#include <cstdint>
#include <span>

namespace latticelens {

/// The scale of a block with largest magnitude m = f * 2^E, 1 <= f < 2: 2^(E - grid_exponent), one
/// higher when f reaches `threshold`. Zero blocks get 2^-127; exponents are clamped to the E8M0
/// range -127 .. 127.
struct ScaleRule {
  int grid_exponent = 2;  // exponent of the grid's maximum
  float threshold = 2;    // in significands; 2: never (the OCP rule)
  bool inclusive = false; // is f == threshold already one higher?
  bool search = false;    // instead: whichever of the two exponents has the smaller squared error;
                          // ties the lower
};

/// What rounding had to do beyond rounding.
struct SnapCounts {
  std::int64_t clipped = 0;    // magnitudes above the grid's maximum
  std::int64_t not_finite = 0; // NaN or infinity: the value becomes NaN
  SnapCounts& operator+=(const SnapCounts& other) {
    clipped += other.clipped;
    not_finite += other.not_finite;
    return *this;
  }
};

/// values: consecutive blocks; scales[i] for block i. A block with NaN or infinity gets the scale
/// NaN.
void fit_blocks(std::span<const float> values, std::int64_t block, const ScaleRule& rule,
                const ElementGrid& grid, std::span<float> scales);

/// Rounds every value to the grid of its block, in place.
SnapCounts snap_blocks(std::span<float> values, std::int64_t block, std::span<const float> scales,
                       const ElementGrid& grid);

/// fit_blocks and snap_blocks in one pass: what happens to activations.
SnapCounts quantize_blocks(std::span<float> values, std::int64_t block, const ScaleRule& rule,
                           const ElementGrid& grid);

/// The obvious implementations, one value at a time.
namespace reference {
float fit_block(std::span<const float> values, const ScaleRule& rule, const ElementGrid& grid);
SnapCounts snap_block(std::span<float> values, float scale, const ElementGrid& grid);
} // namespace reference

} // namespace latticelens
