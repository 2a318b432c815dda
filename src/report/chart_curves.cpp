#include "report/chart_curves.h"

#include <algorithm>
#include <set>

namespace latticelens::report {
namespace {

constexpr std::size_t most_dots = 40;   // of a curve that shows its points
constexpr std::size_t most_places = 12; // of x that are labelled one by one
constexpr double swatch = 18, line_height = 18;

/// Names beside a piece of their line, in as many lines as they need.
Markup legend(const CurveChart& chart, double top, double& bottom) {
  Markup marks;
  double x = 0;
  bottom = top;
  for (const NumberCurve& curve : chart.curves) {
    const double room = swatch + 6 + text_width(curve.name, 12) + 18;
    if (x > 0 && x + room > chart.width) {
      x = 0;
      bottom += line_height;
    }
    marks += line_mark({x, bottom}, {x + swatch, bottom}, "line " + curve.style_class);
    marks += text_mark({x + swatch + 6, bottom + 4}, curve.name, Anchor::start, "label");
    x += room;
  }
  return marks;
}

Markup drawn(const CurveChart& chart, const NumberCurve& curve, const Axis& x, const Axis& y) {
  std::vector<Place> places;
  Markup dots;
  for (const Place& point : curve.points) {
    if (!x.shows(point.x) || !y.shows(point.y))
      continue;
    places.push_back({x.at(point.x), y.at(point.y)});
    dots += dot_mark(places.back(), 3,
                     (curve.points.size() > most_dots ? "target " : "point ") + curve.style_class,
                     curve.name + ", " + chart.x_label(point.x) + ": " + chart.y_label(point.y));
  }
  return path_mark(places, "line " + curve.style_class) + dots;
}

/// A label at every x where the curves have points, unless they are many; none over another.
Markup labels_of_x(const CurveChart& chart, const Box& plot, const Axis& axis) {
  std::set<double> all;
  for (const NumberCurve& curve : chart.curves)
    for (const Place& point : curve.points)
      all.insert(point.x);
  if (all.size() > most_places)
    return horizontal_axis(plot, axis, chart.x_label, 8);
  Markup marks;
  double taken = -1e9;
  for (const double value : all) {
    const std::string text = chart.x_label(value);
    const double half = text_width(text, 11) / 2, at = axis.at(value);
    if (!axis.shows(value) || at - half < taken + 6)
      continue;
    marks += text_mark({at, plot.bottom + 16}, text, Anchor::middle, "tick");
    taken = at + half;
  }
  return marks;
}

Extent extent_over(const CurveChart& chart, double Place::*coordinate, Spacing spacing) {
  std::vector<double> values;
  for (const NumberCurve& curve : chart.curves)
    for (const Place& point : curve.points)
      values.push_back(point.*coordinate);
  return extent_of(values, spacing);
}

} // namespace

Markup curve_chart(const CurveChart& chart) {
  double below_legend = 0;
  Markup marks = text_mark({0, 13}, chart.title, Anchor::start, "chart-title");
  marks += legend(chart, 32, below_legend);
  marks += text_mark({0, below_legend + 24}, chart.y_title, Anchor::start, "tick");
  const Box plot{58, below_legend + 36, chart.width - 14, chart.height - 44};
  const Axis x(chart.x_spacing, extent_over(chart, &Place::x, chart.x_spacing), plot.left,
               plot.right);
  const Axis y(chart.y_spacing, extent_over(chart, &Place::y, chart.y_spacing), plot.bottom,
               plot.top);
  marks += vertical_axis(plot, y, chart.y_label);
  marks += line_mark({plot.left, plot.bottom}, {plot.right, plot.bottom}, "base");
  marks += labels_of_x(chart, plot, x);
  marks += text_mark({plot.right, plot.bottom + 36}, chart.x_title, Anchor::end, "tick");
  for (const NumberCurve& curve : chart.curves)
    marks += drawn(chart, curve, x, y);
  return picture(chart.width, chart.height, chart.description, marks);
}

} // namespace latticelens::report
