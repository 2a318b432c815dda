// Horizontal bars, each labelled with its name and number; an optional mark for comparison.
#pragma once
#include "report/chart_canvas.h"

namespace latticelens::report {

struct Bar {
  std::string name, text, style_class, tooltip;
  double value = 0;
  double reference = absent; // drawn as a line across the bar
};

struct BarChart {
  std::string description;
  std::vector<Bar> bars;
  double width = 512, row_height = 24, name_width = 96;
};

Markup bar_chart(const BarChart& chart);

} // namespace latticelens::report
