#include "report/chart_axis.h"

#include <algorithm>

namespace latticelens::report {
namespace {

bool inside(Extent extent, double value) {
  const double slack = 1e-9 * (extent.high - extent.low);
  return value >= extent.low - slack && value <= extent.high + slack;
}

Extent widened(Extent extent, Spacing spacing) {
  if (spacing == Spacing::logarithmic && extent.high < extent.low * (1 + 1e-6))
    return {extent.low / 2, extent.high * 2};
  const double size = std::max(std::abs(extent.low), std::abs(extent.high));
  if (spacing == Spacing::linear && extent.high - extent.low <= 1e-9 * size)
    return {extent.low - std::max(0.1 * size, 1e-6), extent.high + std::max(0.1 * size, 1e-6)};
  if (spacing == Spacing::linear && size == 0)
    return {0, 1};
  return extent;
}

std::vector<double> decades(Extent extent, const std::vector<double>& multiples) {
  std::vector<double> ticks;
  const int first = static_cast<int>(std::floor(std::log10(extent.low)));
  const int last = static_cast<int>(std::ceil(std::log10(extent.high)));
  const int step = std::max(1, (last - first) / 8); // no more than about eight labels
  for (int exponent = first; exponent <= last; exponent += step)
    for (const double multiple : multiples)
      if (const double tick = multiple * std::pow(10.0, exponent); inside(extent, tick))
        ticks.push_back(tick);
  return ticks;
}

} // namespace

Extent extent_of(std::span<const double> values, Spacing spacing) {
  Extent extent{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const double value : values)
    if (known(value) && (spacing == Spacing::linear || value > 0)) {
      extent.low = std::min(extent.low, value);
      extent.high = std::max(extent.high, value);
    }
  if (extent.low > extent.high)
    return spacing == Spacing::linear ? Extent{0, 1} : Extent{1, 10};
  return widened(extent, spacing);
}

std::vector<double> linear_ticks(Extent extent, int wanted) {
  const double raw = (extent.high - extent.low) / std::max(1, wanted);
  if (!(raw > 0) || !known(raw))
    return {extent.low};
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double multiple : {5.0, 2.0, 1.0})
    if (multiple * power >= raw * 0.999)
      step = multiple * power;
  std::vector<double> ticks;
  const double first = std::ceil(extent.low / step - 1e-9);
  for (int i = 0; i <= 4 * wanted + 4 && inside(extent, (first + i) * step); ++i)
    ticks.push_back((first + i) * step);
  return ticks;
}

std::vector<double> logarithmic_ticks(Extent extent) {
  std::vector<double> ticks = decades(extent, {1});
  if (ticks.size() < 2)
    ticks = decades(extent, {1, 2, 5});
  return ticks.size() < 2 ? linear_ticks(extent, 3) : ticks;
}

Axis::Axis(Spacing spacing, Extent extent, double start, double end)
    : spacing_(spacing), extent_(extent), start_(start), end_(end) {}

double Axis::scaled(double value) const {
  return spacing_ == Spacing::logarithmic ? std::log(value) : value;
}

double Axis::at(double value) const {
  const double low = scaled(extent_.low), high = scaled(extent_.high);
  const double share = high > low ? (scaled(value) - low) / (high - low) : 0.5;
  return start_ + std::clamp(share, 0.0, 1.0) * (end_ - start_);
}

std::vector<double> Axis::ticks(int wanted) const {
  return spacing_ == Spacing::logarithmic ? logarithmic_ticks(extent_)
                                          : linear_ticks(extent_, wanted);
}

} // namespace latticelens::report
