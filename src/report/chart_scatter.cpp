#include "report/chart_scatter.h"

#include <algorithm>

namespace latticelens::report {
namespace {

Extent from_zero(const std::vector<double>& values) {
  const Extent extent = extent_of(values, Spacing::linear);
  return {std::min(0.0, extent.low), extent.high * 1.08};
}

struct Label2d {
  Place at;
  double width = 0;
};

bool overlap(const Label2d& a, const Label2d& b) {
  return std::abs(a.at.y - b.at.y) < 14 && a.at.x < b.at.x + b.width && b.at.x < a.at.x + a.width;
}

/// Beside its dot, moved down until it covers no earlier name.
Place free_place(Place dot, double width, double right, std::vector<Label2d>& taken) {
  Label2d label{{dot.x + 9, dot.y + 4}, width};
  if (label.at.x + width > right)
    label.at.x = dot.x - 9 - width;
  const auto covered = [&] {
    return std::any_of(taken.begin(), taken.end(),
                       [&](const Label2d& other) { return overlap(label, other); });
  };
  for (int tries = 0; tries < 40 && covered(); ++tries)
    label.at.y += 4;
  taken.push_back(label);
  return label.at;
}

} // namespace

Markup scatter_chart(const ScatterChart& chart) {
  const Box plot{58, 30, chart.width - 12, chart.height - 44};
  std::vector<double> xs, ys;
  for (const ScatterDot& dot : chart.dots) {
    xs.push_back(dot.x);
    ys.push_back(dot.y);
  }
  const Axis x(Spacing::linear, from_zero(xs), plot.left, plot.right);
  const Axis y(Spacing::linear, from_zero(ys), plot.bottom, plot.top);
  Markup marks = text_mark({0, 14}, chart.y_title, Anchor::start, "chart-title");
  marks += vertical_axis(plot, y, chart.y_label) + horizontal_axis(plot, x, chart.x_label);
  marks += text_mark({plot.right, plot.bottom + 36}, chart.x_title, Anchor::end, "tick");
  std::vector<Label2d> taken;
  for (const ScatterDot& dot : chart.dots) {
    if (!known(dot.x) || !known(dot.y))
      continue;
    const Place at{x.at(dot.x), y.at(dot.y)};
    const std::string name = shortened(dot.name, 40);
    marks += dot_mark(at, 6, dot.emphasized ? "dot strong" : "dot",
                      dot.name + ": " + chart.x_label(dot.x) + ", " + chart.y_label(dot.y));
    marks +=
        text_mark(free_place(at, text_width(name, dot.emphasized ? 13 : 12), plot.right, taken),
                  name, Anchor::start, dot.emphasized ? "label strong" : "label");
  }
  return picture(chart.width, chart.height, chart.description, marks, "chart");
}

} // namespace latticelens::report
