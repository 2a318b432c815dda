// Blocks of values that share one scale (OCP Microscaling, NVFP4, integers): choosing the scale,
// and rounding to it.
#pragma once
#include "kernels/element_grid.h"
#include <cstdint>
#include <optional>
#include <span>

namespace latticelens {

/// How a block's scale follows from its largest magnitude m.
///
/// Without a scale grid it is a power of two (E8M0): with m = f * 2^E, 1 <= f < 2, it is
/// 2^(E - grid_exponent), one higher when f reaches `threshold`. Zero blocks get 2^-127; exponents
/// are clamped to the range -127 .. 127.
///
/// With one it is tensor_scale * m / maximum rounded to that grid, over tensor_scale; at least the
/// grid's smallest number.
struct ScaleRule {
  int grid_exponent = 2;                      // exponent of the grid's maximum
  float threshold = 2;                        // in significands; 2: never (the OCP rule)
  bool inclusive = false;                     // is f == threshold already one higher?
  std::optional<ElementGrid> scale_grid = {}; // of free scales: fp16, fp32, E4M3
  std::span<const float> multipliers = {};    // of the scale so found: the first with the least
                                              // squared error; empty: 1
  float tensor_maximum = 0; // what a second scale for the whole tensor maps to; 0: there is none
  float tensor_scale = 1;   // that scale, a multiplier
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

/// Rows of `row` values, each with a scale (max - min) / levels and a zero point of its own, where
/// min <= 0 <= max: what INT4 and INT8 do with activations. Rows with NaN or infinity, or of
/// infinite range, become NaN.
SnapCounts quantize_rows_asymmetric(std::span<float> values, std::int64_t row, int levels);

/// The scale nearest to the one wanted among those that the rule may choose.
float nearest_scale(float wanted, const ScaleRule& rule);

/// What a block's scale follows from its finite largest magnitude, before multipliers and
/// nearest_scale.
float wanted_scale(float largest, const ScaleRule& rule, const ElementGrid& grid);

/// The obvious implementations, one value at a time.
namespace reference {
float fit_block(std::span<const float> values, const ScaleRule& rule, const ElementGrid& grid);
SnapCounts snap_block(std::span<float> values, float scale, const ElementGrid& grid);
} // namespace reference

} // namespace latticelens
