#include "report/chart_dots.h"

#include <algorithm>

namespace latticelens::report {
namespace {

Markup mean_marks(const Mean& mean, const Box& plot, const Axis& y) {
  if (!known(mean.value))
    return {};
  Markup marks;
  std::string text = "mean " + significant(mean.value);
  if (known(mean.standard_error)) {
    text += " ± " + significant(mean.standard_error, 2);
    marks += box_mark({plot.left, y.at(mean.value + mean.standard_error), plot.right,
                       y.at(mean.value - mean.standard_error)},
                      "band", "mean ± standard error over windows");
  }
  marks += line_mark({plot.left, y.at(mean.value)}, {plot.right, y.at(mean.value)}, "mean");
  return marks + text_mark({plot.right + 8, y.at(mean.value) + 4}, text, Anchor::start, "value");
}

Extent extent_with_band(const DotChart& chart, const Mean& mean) {
  std::vector<double> values = chart.values;
  if (known(mean.standard_error)) {
    values.push_back(mean.value - mean.standard_error);
    values.push_back(mean.value + mean.standard_error);
  }
  Extent extent = extent_of(values, Spacing::linear);
  const double room = 0.08 * (extent.high - extent.low);
  return {extent.low - room, extent.high + room};
}

} // namespace

Mean mean_of(std::span<const double> values) {
  Mean mean;
  double sum = 0, squares = 0;
  for (const double value : values)
    if (known(value)) {
      sum += value;
      ++mean.count;
    }
  if (mean.count == 0)
    return mean;
  const auto count = static_cast<double>(mean.count);
  mean.value = sum / count;
  for (const double value : values)
    if (known(value))
      squares += (value - mean.value) * (value - mean.value);
  if (mean.count > 1)
    mean.standard_error = std::sqrt(squares / (count - 1) / count);
  return mean;
}

Markup dot_chart(const DotChart& chart) {
  const Box plot{46, 30, chart.width - 140, chart.height - 36};
  const Mean mean = mean_of(chart.values);
  const Axis y(Spacing::linear, extent_with_band(chart, mean), plot.bottom, plot.top);
  const auto count = static_cast<double>(chart.values.size());
  const Axis x(Spacing::linear, {0.5, std::max(1.0, count) + 0.5}, plot.left, plot.right);
  Markup marks = text_mark({0, 13}, chart.title, Anchor::start, "chart-title");
  marks += vertical_axis(plot, y, chart.label, 4) + mean_marks(mean, plot, y);
  const double radius = std::clamp(160 / std::max(1.0, count), 1.5, 5.0);
  for (std::size_t i = 0; i < chart.values.size(); ++i)
    if (known(chart.values[i]))
      marks += dot_mark({x.at(static_cast<double>(i + 1)), y.at(chart.values[i])}, radius, "dot",
                        chart.dot_name + " " + std::to_string(i + 1) + ": " +
                            significant(chart.values[i], 4));
  for (const double tick : linear_ticks({1, std::max(1.0, count)}, 6))
    if (tick == std::floor(tick))
      marks += text_mark({x.at(tick), plot.bottom + 16}, whole(std::llround(tick)), Anchor::middle,
                         "tick");
  marks += text_mark({plot.right, plot.bottom + 31}, chart.dot_name, Anchor::end, "tick");
  return picture(chart.width, chart.height, chart.description, marks, "chart");
}

} // namespace latticelens::report
