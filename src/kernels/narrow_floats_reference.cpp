#include "kernels/narrow_floats.h"

#include <cmath>

namespace latticelens::reference {
namespace {

double half_value(std::uint16_t half) {
  const int exponent = half >> 10 & 31, mantissa = half & 1023;
  double value =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  if (exponent == 31)
    value = mantissa == 0 ? HUGE_VAL : NAN;
  return half & 0x8000 ? -value : value;
}

/// The steps of 2^-24 and upwards that halves have around a magnitude, rounded by the current mode:
/// to nearest, ties to even.
std::uint16_t nearest_half(float value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(static_cast<double>(value));
  if (std::isnan(value))
    return sign | 0x7e00;
  if (magnitude >= 65520)
    return sign | 0x7c00;
  const int exponent = magnitude < 0x1p-14 ? -14 : std::ilogb(magnitude);
  const int steps = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  return static_cast<std::uint16_t>(sign | (steps + ((exponent + 14) << 10)));
}

} // namespace

void widen_half(std::span<const std::uint16_t> from, std::span<float> to) {
  for (std::size_t i = 0; i < from.size(); ++i)
    to[i] = static_cast<float>(half_value(from[i]));
}

bool narrow_to_half(std::span<const float> from, std::span<std::uint16_t> to) {
  bool fits = true;
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = nearest_half(from[i]);
    fits &= (to[i] & 0x7fff) != 0x7c00 || std::isinf(from[i]);
  }
  return fits;
}

SquareSums square_sums(std::span<const float> x, std::span<const float> y) {
  SquareSums sums;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double value = x[i], difference = value - y[i];
    sums.difference += difference * difference;
    sums.energy += value * value;
  }
  return sums;
}

} // namespace latticelens::reference
