#include "report/chart_heat_map.h"

#include <algorithm>

namespace latticelens::report {
namespace {

/// Between the 2nd and the 98th percentile: a few extreme cells must not take all the colours.
Extent extent_of_cells(const HeatMap& map) {
  std::vector<double> all;
  for (const std::vector<double>& row : map.values)
    for (const double value : row)
      if (known(value) && (map.spacing == Spacing::linear || value > 0))
        all.push_back(value);
  std::sort(all.begin(), all.end());
  const std::size_t cut = all.size() / 50;
  return extent_of(std::span(all).subspan(cut, all.size() - 2 * cut), map.spacing);
}

std::string step_class(int step) {
  return "h" + std::to_string(step);
}

/// The value at which step `step` starts.
double step_start(int step, Extent extent, Spacing spacing) {
  const double share = static_cast<double>(step) / heat_steps;
  if (spacing == Spacing::linear)
    return extent.low + share * (extent.high - extent.low);
  return extent.low * std::pow(extent.high / extent.low, share);
}

Markup legend_marks(const HeatMap& map, Extent extent, double top, double left, double right) {
  const double step_width = std::min(50.0, (right - left) / 2 / heat_steps);
  const double start = right - step_width * heat_steps;
  Markup marks = text_mark({start - 12, top + 10}, map.legend, Anchor::end, "tick");
  for (int step = 0; step < heat_steps; ++step) {
    const double x = start + step * step_width;
    marks += box_mark({x, top, x + step_width, top + 12}, step_class(step), "");
    if (step % 2 == 0)
      marks += text_mark({x, top + 26},
                         (step == 0 ? "≤ " : "") + map.label(step_start(step, extent, map.spacing)),
                         step == 0 ? Anchor::start : Anchor::middle, "tick");
  }
  return marks + text_mark({right, top + 26}, "≥ " + map.label(extent.high), Anchor::end, "tick");
}

Markup column_labels(const HeatMap& map, double left, double cell, double y) {
  Markup marks;
  const auto columns = static_cast<double>(map.columns);
  const int step = std::max(1, static_cast<int>(std::ceil(30 / cell)));
  const int readable = step <= 1 ? 1 : step <= 2 ? 2 : step <= 5 ? 5 : (step + 9) / 10 * 10;
  for (int column = 0; column < columns; column += readable)
    marks += text_mark({left + (column + 0.5) * cell, y}, std::to_string(column), Anchor::middle,
                       "tick");
  return marks + text_mark({left - 12, y}, map.column_name, Anchor::end, "tick");
}

} // namespace

int heat_step(double value, Extent extent, Spacing spacing) {
  const Axis axis(spacing, extent, 0, heat_steps);
  return axis.shows(value) ? std::clamp(static_cast<int>(axis.at(value)), 0, heat_steps - 1) : 0;
}

Markup heat_map(const HeatMap& map) {
  const Extent extent = extent_of_cells(map);
  const double left = 110, right = map.width - 2;
  const double cell = (right - left) / static_cast<double>(std::max<std::size_t>(1, map.columns));
  const double gap = cell > 6 ? 1 : 0;
  Markup marks;
  for (std::size_t row = 0; row < map.values.size(); ++row) {
    const double top = static_cast<double>(row) * map.row_height;
    marks +=
        text_mark({left - 12, top + map.row_height / 2 + 4}, map.rows[row], Anchor::end, "label");
    for (std::size_t column = 0; column < map.values[row].size(); ++column) {
      const double value = map.values[row][column], x = left + static_cast<double>(column) * cell;
      if (known(value))
        marks += box_mark({x, top, x + cell - gap, top + map.row_height - gap},
                          step_class(heat_step(value, extent, map.spacing)),
                          map.column_name + " " + std::to_string(column) + ", " + map.rows[row] +
                              ": " + map.label(value));
    }
  }
  const double bottom = static_cast<double>(map.values.size()) * map.row_height;
  marks += column_labels(map, left, cell, bottom + 16);
  marks += legend_marks(map, extent, bottom + 34, left, right);
  return picture(map.width, bottom + 66, map.description, marks, "chart wide");
}

} // namespace latticelens::report
