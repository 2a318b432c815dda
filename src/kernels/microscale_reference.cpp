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

float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) {
    if (!std::isfinite(value))
      return std::numeric_limits<float>::quiet_NaN();
    largest = std::max(largest, std::fabs(value));
  }
  return largest;
}

} // namespace

float fit_block(std::span<const float> values, const ScaleRule& rule, const ElementGrid& grid) {
  const float largest = largest_magnitude(values);
  if (std::isnan(largest))
    return largest;
  const float wanted = wanted_scale(largest, rule, grid);
  if (rule.multipliers.empty())
    return nearest_scale(wanted, rule);
  float best = nearest_scale(wanted * rule.multipliers[0], rule);
  for (const float multiplier : rule.multipliers.subspan(1)) {
    const float scale = nearest_scale(wanted * multiplier, rule);
    if (squared_error(values, scale, grid) < squared_error(values, best, grid))
      best = scale;
  }
  return best;
}

SnapCounts snap_block(std::span<float> values, float scale, const ElementGrid& grid) {
  SnapCounts counts;
  for (float& value : values) {
    const float scaled = value / scale; // in fp32, as all programs do
    counts.clipped += std::fabs(scaled) > static_cast<float>(outer_edge(grid));
    counts.not_finite += std::isnan(scaled);
    value = static_cast<float>(snap(scaled, grid) * scale);
  }
  return counts;
}

} // namespace latticelens::reference

namespace latticelens {

float nearest_scale(float wanted, const ScaleRule& rule) {
  if (!rule.scale_grid)
    return std::clamp(wanted, 0x1p-127f, 0x1p127f); // multiples are powers of two
  const ElementGrid& scales = *rule.scale_grid;
  const double smallest = std::ldexp(1.0, scales.minimum_exponent - scales.mantissa_bits);
  return static_cast<float>(std::max(snap(rule.tensor_scale * wanted, scales), smallest)) /
         rule.tensor_scale;
}

float wanted_scale(float largest, const ScaleRule& rule, const ElementGrid& grid) {
  if (rule.scale_grid)
    return largest / static_cast<float>(grid.maximum);
  if (largest == 0)
    return 0x1p-127f;
  int exponent = 0;
  const float significand = 2 * std::frexp(largest, &exponent); // in [1, 2)
  const bool higher = rule.inclusive ? significand >= rule.threshold : significand > rule.threshold;
  return std::ldexp(1.0f,
                    std::clamp(exponent - 1 - rule.grid_exponent + (higher ? 1 : 0), -127, 127));
}

SnapCounts quantize_rows_asymmetric(std::span<float> values, std::int64_t row, int levels) {
  SnapCounts counts;
  for (std::size_t first = 0; first < values.size(); first += static_cast<std::size_t>(row)) {
    const auto part = values.subspan(first, static_cast<std::size_t>(row));
    float low = 0, high = 0;
    bool finite = true;
    for (const float value : part) {
      low = std::min(low, value);
      high = std::max(high, value);
      finite = finite && std::isfinite(value);
    }
    finite = finite && std::isfinite(high - low);
    const float scale = (high - low) / static_cast<float>(levels);
    if (!finite || scale == 0) {
      counts.not_finite += finite ? 0 : row;
      std::fill(part.begin(), part.end(), finite ? 0 : std::numeric_limits<float>::quiet_NaN());
      continue;
    }
    const float zero = std::nearbyint(-low / scale);
    for (float& value : part) {
      const float code = std::nearbyint(value / scale) + zero;
      value = (std::clamp(code, 0.0f, static_cast<float>(levels)) - zero) * scale;
    }
  }
  return counts;
}

} // namespace latticelens
