// Pictures as data: what analysis.json holds and the page draws (docs/analyse.md).
#pragma once
#include "core/json.h"
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace latticelens {

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points; // x ascending
};

struct CurvesChart {
  std::string title, x, y; // y: what the title measures, with its unit
  bool x_logarithmic = false, y_logarithmic = false;
  std::vector<Curve> curves;
  std::string caption;
};
Json to_json(const CurvesChart& chart);

/// How many blocks have floor(log2 value) = exponent.
struct ExponentsChart {
  std::string title;
  std::vector<std::pair<std::string, std::map<int, std::int64_t>>> rows;
  std::string caption;
};
Json to_json(const ExponentsChart& chart);

/// Cells are strings or numbers; the first column names the row.
struct TableChart {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<Json>> rows;
  std::string caption;
};
Json to_json(const TableChart& chart);

} // namespace latticelens
