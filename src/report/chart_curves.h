// Curves over numbers: two axes, linear or logarithmic, and a legend.
#pragma once
#include "report/chart_canvas.h"

namespace latticelens::report {

struct NumberCurve {
  std::string name, style_class;
  std::vector<Place> points; // values, not places on the picture; x ascending
};

struct CurveChart {
  std::string title, description, x_title, y_title;
  Spacing x_spacing = Spacing::linear, y_spacing = Spacing::linear;
  std::vector<NumberCurve> curves;
  Label x_label, y_label;
  double width = 720, height = 330;
};

Markup curve_chart(const CurveChart& chart);

} // namespace latticelens::report
