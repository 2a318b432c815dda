#include "report/chart_lines.h"

#include <algorithm>

namespace latticelens::report {
namespace {

/// Clear of the last third of the line, above or below it.
Markup note_mark(const Line& line, const std::vector<Place>& places) {
  double highest = absent, lowest = absent, right = absent;
  for (std::size_t i = 2 * places.size() / 3; i < places.size(); ++i)
    if (known(places[i].y)) {
      highest = std::fmin(highest, places[i].y); // fmin and fmax leave out what is absent
      lowest = std::fmax(lowest, places[i].y);
      right = places[i].x;
    }
  if (!known(right))
    return {};
  return text_mark({right, line.note_below ? lowest + 14 : highest - 6}, line.note, Anchor::end,
                   "note " + line.style_class);
}

Markup drawn(const LineChart& chart, const Line& line, const Axis& x, const Axis& y) {
  std::vector<Place> places;
  Markup dots;
  for (std::size_t i = 0; i < line.values.size(); ++i) {
    const double value = line.values[i];
    if (!y.shows(value)) {
      places.push_back({absent, absent});
      continue;
    }
    places.push_back({x.at(static_cast<double>(i)), y.at(value)});
    dots += dot_mark(places.back(), 3, "target " + line.style_class,
                     chart.position_name + " " + std::to_string(i) + ", " + line.name + ": " +
                         chart.label(value));
  }
  Markup marks = path_mark(places, "line " + line.style_class) + dots;
  if (!line.note.empty())
    marks += note_mark(line, places);
  return marks;
}

} // namespace

Markup line_chart(const LineChart& chart) {
  const Box plot{46, 26, chart.width - 8, chart.height - 34};
  std::size_t length = 1;
  for (const Line& line : chart.lines)
    length = std::max(length, line.values.size());
  const Axis x(Spacing::linear, {0, std::max(1.0, static_cast<double>(length) - 1)}, plot.left,
               plot.right);
  const Axis y(chart.spacing, chart.extent, plot.bottom, plot.top);
  Markup marks = text_mark({0, 13}, chart.title, Anchor::start, "chart-title");
  marks += vertical_axis(plot, y, chart.label);
  marks += horizontal_axis(
      plot, x, [](double value) { return whole(std::llround(value)); }, length > 4 ? 4 : 1);
  marks += text_mark({plot.right, plot.bottom + 30}, chart.position_name, Anchor::end, "tick");
  for (const Line& line : chart.lines)
    marks += drawn(chart, line, x, y);
  return picture(chart.width, chart.height, chart.description, marks, "chart small");
}

} // namespace latticelens::report
