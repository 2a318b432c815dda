// A grid of numbers: a small floating-point format without infinities or integers, symmetric and
// described by three numbers, or a table.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace latticelens {

enum class Ties { even, away }; // half-way cases: to the even code, or away from zero

/// Magnitudes k * 2^(max(e, minimum_exponent) - mantissa_bits) up to `maximum`, e the exponent of
/// the magnitude. E2M1 is {1, 0, 6}; the integers -7 .. 7 are {2, 2, 7}.
struct ElementGrid {
  int mantissa_bits = 1;
  int minimum_exponent = 0;
  double maximum = 6;
  Ties ties = Ties::even;
  /// Instead of the numbers above: ascending; ties go to the upper one. `maximum` is its largest
  /// magnitude, beyond which values count as clipped.
  std::span<const float> table = {};
};

/// Whether the grid is the integers up to its maximum.
inline bool is_uniform(const ElementGrid& grid) {
  return grid.table.empty() && grid.mantissa_bits == grid.minimum_exponent &&
         grid.maximum < std::ldexp(2.0, grid.mantissa_bits);
}

/// Magnitudes above this are beyond the grid. The maximum itself, divided by the scale that maps it
/// to the grid's end, may lie a rounding error above that.
inline double outer_edge(const ElementGrid& grid) {
  return grid.maximum * (1 + 0x1p-20);
}

/// Half-way between a table's entry and the one below it.
inline float middle_below(std::span<const float> table, std::size_t i) {
  return (table[i - 1] + table[i]) / 2;
}

/// The nearest grid value: the obvious implementation that the vector ones are tested against. NaN
/// stays NaN.
inline double snap(double x, const ElementGrid& grid) {
  if (std::isnan(x))
    return x;
  if (!grid.table.empty()) {
    std::size_t nearest = 0;
    while (nearest + 1 < grid.table.size() && x >= middle_below(grid.table, nearest + 1))
      ++nearest;
    return grid.table[nearest];
  }
  const double magnitude =
      std::fmin(std::fabs(x), 2 * grid.maximum); // beyond the grid, infinity included
  const int exponent = magnitude == 0 ? grid.minimum_exponent
                                      : std::max(std::ilogb(magnitude), grid.minimum_exponent);
  const double step = std::ldexp(1.0, exponent - grid.mantissa_bits);
  const double steps = magnitude / step;
  double rounded = std::nearbyint(steps);
  if (grid.ties == Ties::away && steps - rounded == 0.5)
    rounded += 1;
  return std::copysign(std::fmin(rounded * step, grid.maximum), x);
}

} // namespace latticelens
