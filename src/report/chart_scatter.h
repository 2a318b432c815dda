// Labelled dots: one for each run.
#pragma once
#include "report/chart_canvas.h"

namespace latticelens::report {

struct ScatterDot {
  std::string name;
  double x = absent, y = absent;
  bool emphasized = false;
};

struct ScatterChart {
  std::string description, x_title, y_title;
  std::vector<ScatterDot> dots;
  Label x_label, y_label;
  double width = 720, height = 320;
};

Markup scatter_chart(const ScatterChart& chart);

} // namespace latticelens::report
