#include "analysis/charts.h"

namespace latticelens {

Json to_json(const CurvesChart& chart) {
  Json curves = Json::array();
  for (const Curve& curve : chart.curves) {
    Json points = Json::array();
    for (const auto& [x, y] : curve.points)
      points.push_back({x, y});
    curves.push_back({{"name", curve.name}, {"points", points}});
  }
  return {{"kind", "curves"},
          {"title", chart.title},
          {"x", chart.x},
          {"y", chart.y},
          {"x_logarithmic", chart.x_logarithmic},
          {"y_logarithmic", chart.y_logarithmic},
          {"curves", curves},
          {"caption", chart.caption}};
}

Json to_json(const ExponentsChart& chart) {
  Json rows = Json::array();
  for (const auto& [name, counts] : chart.rows) {
    Json object = Json::object();
    for (const auto& [exponent, count] : counts)
      object[std::to_string(exponent)] = count;
    rows.push_back({{"name", name}, {"counts", object}});
  }
  return {
      {"kind", "exponents"}, {"title", chart.title}, {"rows", rows}, {"caption", chart.caption}};
}

Json to_json(const TableChart& chart) {
  return {{"kind", "table"},
          {"title", chart.title},
          {"columns", chart.columns},
          {"rows", chart.rows},
          {"caption", chart.caption}};
}

} // namespace latticelens
