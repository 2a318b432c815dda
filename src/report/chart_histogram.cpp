#include "report/chart_histogram.h"

#include <algorithm>

namespace latticelens::report {
namespace {

std::int64_t total_of(const std::map<int, std::int64_t>& counts) {
  std::int64_t total = 0;
  for (const auto& [value, count] : counts)
    total += count;
  return total;
}

/// Share of the row in each bar, so that small linears can be read beside large ones.
Markup row_marks(const HistogramChart& chart, const HistogramRow& row, const Box& plot,
                 const Axis& x, double highest) {
  Markup marks = text_mark({plot.left - 12, plot.bottom - 4}, row.name, Anchor::end, "label");
  marks += text_mark({plot.right + 12, plot.bottom - 4}, row.note, Anchor::start, "value");
  marks += line_mark({plot.left, plot.bottom}, {plot.right, plot.bottom}, "base");
  const auto total = static_cast<double>(std::max<std::int64_t>(1, total_of(row.counts)));
  for (const auto& [value, count] : row.counts) {
    if (count == 0)
      continue;
    const double share = static_cast<double>(count) / total;
    const double height = std::max(0.75, share / highest * (plot.bottom - plot.top));
    const double left = x.at(value - 0.46), right = x.at(value + 0.46);
    marks += box_mark({left, plot.bottom - height, right, plot.bottom}, "bar " + row.style_class,
                      row.name + ", " + power_of_two(value) + ": " + whole(count) + " " +
                          chart.unit + " (" + percent(share) + ")");
  }
  return marks;
}

struct Bounds {
  int low = 0, high = 0;
  double highest_share = 1e-9;
};

Bounds bounds_of(const std::vector<HistogramRow>& rows) {
  Bounds bounds{std::numeric_limits<int>::max(), std::numeric_limits<int>::min()};
  for (const HistogramRow& row : rows) {
    const auto total = static_cast<double>(std::max<std::int64_t>(1, total_of(row.counts)));
    for (const auto& [value, count] : row.counts) {
      bounds.low = std::min(bounds.low, value);
      bounds.high = std::max(bounds.high, value);
      bounds.highest_share = std::max(bounds.highest_share, static_cast<double>(count) / total);
    }
  }
  return bounds.low > bounds.high ? Bounds{0, 0} : bounds;
}

} // namespace

int median_of(const std::map<int, std::int64_t>& counts) {
  const std::int64_t half = (total_of(counts) + 1) / 2;
  std::int64_t below = 0;
  for (const auto& [value, count] : counts)
    if ((below += count) >= half)
      return value;
  return counts.empty() ? 0 : counts.rbegin()->first;
}

Markup histogram_chart(const HistogramChart& chart) {
  const Bounds bounds = bounds_of(chart.rows);
  const double left = 110, right = chart.width - 230;
  const Axis x(Spacing::linear, {bounds.low - 0.5, bounds.high + 0.5}, left, right);
  Markup marks;
  double top = 0;
  for (const HistogramRow& row : chart.rows) {
    marks += row_marks(chart, row, {left, top + 6, right, top + chart.row_height}, x,
                       bounds.highest_share);
    top += chart.row_height;
  }
  const int step = std::max(1, (bounds.high - bounds.low) / 16);
  for (int value = bounds.low; value <= bounds.high; value += step)
    marks += text_mark({x.at(value), top + 17}, power_of_two(value), Anchor::middle, "tick");
  return picture(chart.width, top + 24, chart.description, marks, "chart wide");
}

} // namespace latticelens::report
