// A grid of coloured cells with a legend: layer by kind of linear.
#pragma once
#include "report/chart_canvas.h"

namespace latticelens::report {

struct HeatMap {
  std::string description, legend; // legend: what the colours mean
  std::vector<std::string> rows;
  std::size_t columns = 0;
  std::vector<std::vector<double>> values; // [row][column]; `absent`: an empty cell
  std::string column_name = "layer";
  Spacing spacing = Spacing::logarithmic;
  Label label;
  double width = 1052, row_height = 26;
};

constexpr int heat_steps = 10; // classes h0 ... h9 of the style sheet

/// The colour step of each value between the extent's ends.
int heat_step(double value, Extent extent, Spacing spacing);

Markup heat_map(const HeatMap& map);

} // namespace latticelens::report
