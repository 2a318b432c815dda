#include "kernels/microscale.h"

#include <limits>

namespace latticelens::reference {
namespace {

double squared_error(std::span<const float> values, double scale, const ElementGrid& grid) {
  double sum = 0;
  for (const float value : values) {
    const double difference = value - snap(value / scale, grid) * scale;
    sum += difference * difference;
  }
  return sum;
}

} // namespace

float fit_block(std::span<const float> values, const ScaleRule& rule, const ElementGrid& grid) {
  float largest = 0;
  for (const float value : values) {
    if (!std::isfinite(value))
      return std::numeric_limits<float>::quiet_NaN();
    largest = std::max(largest, std::fabs(value));
  }
  if (largest == 0)
    return std::ldexp(1.0f, -127);
  int exponent = 0;
  const float significand = 2 * std::frexp(largest, &exponent); // in [1, 2)
  exponent -= 1 + rule.grid_exponent;
  const auto scale_of = [](int e) { return std::ldexp(1.0f, std::clamp(e, -127, 127)); };
  if (rule.search) {
    const float low = scale_of(exponent), high = scale_of(exponent + 1);
    return squared_error(values, high, grid) < squared_error(values, low, grid) ? high : low;
  }
  const bool higher = rule.inclusive ? significand >= rule.threshold : significand > rule.threshold;
  return scale_of(exponent + (higher ? 1 : 0));
}

SnapCounts snap_block(std::span<float> values, float scale, const ElementGrid& grid) {
  SnapCounts counts;
  for (float& value : values) {
    const double scaled = static_cast<double>(value) / scale;
    counts.clipped += std::fabs(scaled) > grid.maximum;
    counts.not_finite += std::isnan(scaled);
    value = static_cast<float>(snap(scaled, grid) * scale);
  }
  return counts;
}

} // namespace latticelens::reference
