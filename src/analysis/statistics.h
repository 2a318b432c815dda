// The few statistics that the analyses share, and numbers as their sentences write them.
#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace latticelens {

/// Ratios of positive numbers, one for each input, so that every input counts the same.
class Ratios {
 public:
  /// Leaves out what is no ratio of positive finite numbers.
  void add(double numerator, double denominator);
  std::size_t count() const { return logarithms_.size(); }
  /// Geometric mean; NaN when there is none.
  double mean() const;
  /// Share of the ratios above 1; NaN when there is none.
  double share_above_one() const;

 private:
  std::vector<double> logarithms_;
};

/// Slope of the least squares line through (x, y); NaN with less than two different x.
double slope_of(const std::vector<std::pair<double, double>>& points);

/// Spearman's rank correlation of points whose x ascend: 1 when y only grows. NaN with less than
/// two points.
double rank_correlation(const std::vector<std::pair<double, double>>& points);

/// "1.24", "0.0123"; "unknown" for NaN.
std::string number_text(double value);
/// "12.4 %", with a space that does not break.
std::string percent_text(double share);

} // namespace latticelens
