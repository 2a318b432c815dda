// Lines over layers, for small multiples.
#pragma once
#include "report/chart_canvas.h"

namespace latticelens::report {

struct Line {
  std::string name, style_class;
  std::vector<double> values; // at 0, 1, 2 ...; `absent` breaks the line
  std::string note;           // written at the line's end, where a legend would otherwise be needed
  bool note_below = false;
};

struct LineChart {
  std::string title, description;
  std::vector<Line> lines;
  Spacing spacing = Spacing::linear;
  Extent extent; // of the values, so that several charts share one axis
  Label label;   // of the values
  std::string position_name = "layer";
  double width = 256, height = 170;
};

Markup line_chart(const LineChart& chart);

} // namespace latticelens::report
