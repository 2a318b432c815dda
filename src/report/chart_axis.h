// From values to places: linear and logarithmic axes, their ticks and labels.
#pragma once
#include "report/numbers.h"
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace latticelens::report {

enum class Spacing { linear, logarithmic };

/// The finite values' extent (positive values' for a logarithmic axis), widened when it is one
/// point; 0 to 1 (1 to 10) when there is none.
struct Extent {
  double low = 0, high = 1;
};
Extent extent_of(std::span<const double> values, Spacing spacing);

/// Multiples of 1, 2 or 5 times a power of ten inside the extent, about `wanted` of them.
std::vector<double> linear_ticks(Extent extent, int wanted);

/// Powers of ten inside the extent; with less than two of them also 2 and 5 times these, and where
/// the extent is narrower than that, linear ticks.
std::vector<double> logarithmic_ticks(Extent extent);

class Axis {
 public:
  /// `extent.low` is drawn at `start`, `extent.high` at `end`.
  Axis(Spacing spacing, Extent extent, double start, double end);
  /// The place of a value, clamped to the axis; not for values that `shows` refuses.
  double at(double value) const;
  bool shows(double value) const {
    return known(value) && (spacing_ == Spacing::linear || value > 0);
  }
  std::vector<double> ticks(int wanted = 5) const;

 private:
  double scaled(double value) const;
  Spacing spacing_;
  Extent extent_;
  double start_, end_;
};

/// How an axis writes its numbers.
using Label = std::function<std::string(double)>;

} // namespace latticelens::report
