#include "analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace latticelens {

void Ratios::add(double numerator, double denominator) {
  const double logarithm = std::log(numerator / denominator);
  if (numerator > 0 && denominator > 0 && std::isfinite(logarithm))
    logarithms_.push_back(logarithm);
}

double Ratios::mean() const {
  const double sum = std::accumulate(logarithms_.begin(), logarithms_.end(), 0.0);
  return std::exp(sum / static_cast<double>(logarithms_.size()));
}

double Ratios::share_above_one() const {
  const auto above =
      std::count_if(logarithms_.begin(), logarithms_.end(), [](double value) { return value > 0; });
  return static_cast<double>(above) / static_cast<double>(logarithms_.size());
}

double slope_of(const std::vector<std::pair<double, double>>& points) {
  double mean_x = 0, mean_y = 0, covariance = 0, variance = 0;
  for (const auto& [x, y] : points) {
    mean_x += x / static_cast<double>(points.size());
    mean_y += y / static_cast<double>(points.size());
  }
  for (const auto& [x, y] : points) {
    covariance += (x - mean_x) * (y - mean_y);
    variance += (x - mean_x) * (x - mean_x);
  }
  return covariance / variance;
}

double rank_correlation(const std::vector<std::pair<double, double>>& points) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return points[a].second < points[b].second;
  });
  const auto count = static_cast<double>(points.size());
  double squares = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const double difference = static_cast<double>(rank) - static_cast<double>(order[rank]);
    squares += difference * difference;
  }
  return 1 - 6 * squares / (count * (count * count - 1));
}

std::string number_text(double value) {
  if (!std::isfinite(value))
    return "unknown";
  char text[64];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string percent_text(double share) {
  return std::isfinite(share) ? number_text(100 * share) + "\u00a0%" : "unknown";
}

} // namespace latticelens
