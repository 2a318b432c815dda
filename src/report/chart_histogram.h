// Histograms over integers, one row each on a shared axis, so that their places can be compared.
#pragma once
#include "report/chart_canvas.h"
#include <map>

namespace latticelens::report {

struct HistogramRow {
  std::string name, note, style_class;
  std::map<int, std::int64_t> counts;
};

struct HistogramChart {
  std::string description, unit; // unit: what is counted, for tooltips
  std::vector<HistogramRow> rows;
  double width = 1052, row_height = 46;
};

/// The integer below which half of the counts lie; the counts must not be empty.
int median_of(const std::map<int, std::int64_t>& counts);

Markup histogram_chart(const HistogramChart& chart);

} // namespace latticelens::report
