// A dot for each window, with the mean and its standard error: is the mean one window's doing?
#pragma once
#include "report/chart_canvas.h"

namespace latticelens::report {

struct Mean {
  double value = absent;
  double standard_error = absent; // absent with fewer than two values
  std::size_t count = 0;
};
/// Over the finite values.
Mean mean_of(std::span<const double> values);

struct DotChart {
  std::string title, description, dot_name = "window";
  std::vector<double> values;
  Label label;
  double width = 512, height = 200;
};

Markup dot_chart(const DotChart& chart);

} // namespace latticelens::report
