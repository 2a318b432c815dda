#include "report/analysis_json.h"

#include "report/file_name.h"

namespace latticelens::report {
namespace {

Json picture_json(const CurvesPicture& picture) {
  Json curves = Json::array();
  for (const auto& [name, points] : picture.curves) {
    Json places = Json::array();
    for (const auto& [x, y] : points)
      places.push_back(Json::array({number_or_null(x), number_or_null(y)}));
    curves.push_back({{"name", name}, {"points", std::move(places)}});
  }
  return {{"kind", "curves"},
          {"title", picture.title},
          {"x", picture.x},
          {"y", picture.y},
          {"xLogarithmic", picture.x_logarithmic},
          {"yLogarithmic", picture.y_logarithmic},
          {"curves", std::move(curves)},
          {"caption", picture.caption}};
}

Json picture_json(const ExponentsPicture& picture) {
  Json rows = Json::array();
  for (const auto& [name, counts] : picture.rows) {
    Json pairs = Json::array();
    for (const auto& [exponent, count] : counts)
      pairs.push_back(Json::array({exponent, count}));
    rows.push_back({{"name", name}, {"counts", std::move(pairs)}});
  }
  return {{"kind", "exponents"},
          {"title", picture.title},
          {"rows", std::move(rows)},
          {"caption", picture.caption}};
}

Json cell_json(const std::variant<std::string, double>& cell) {
  if (const auto* text = std::get_if<std::string>(&cell))
    return *text;
  return number_or_null(std::get<double>(cell));
}

Json picture_json(const TablePicture& picture) {
  Json rows = Json::array();
  for (const auto& cells : picture.rows) {
    Json row = Json::array();
    for (const auto& cell : cells)
      row.push_back(cell_json(cell));
    rows.push_back(std::move(row));
  }
  return {{"kind", "table"},
          {"title", picture.title},
          {"columns", picture.columns},
          {"rows", std::move(rows)},
          {"caption", picture.caption}};
}

Json entry_json(const AnalysisEntry& entry) {
  Json pictures = Json::array();
  for (const Picture& picture : entry.pictures)
    pictures.push_back(std::visit([](const auto& one) { return picture_json(one); }, picture));
  return {{"name", entry.name},
          {"title", entry.title},
          {"source", entry.source},
          {"claim", entry.claim},
          {"verdict", entry.verdict},
          {"sentence", entry.sentence},
          {"pictures", std::move(pictures)}};
}

} // namespace

Json analysis_json(const AnalysisData& data) {
  Json analyses = Json::array();
  for (const AnalysisEntry& entry : data.analyses)
    analyses.push_back(entry_json(entry));
  return {{"model", file_name(data.model)},
          {"format", data.format},
          {"of", data.of},
          {"gains", data.gains},
          {"text", file_names(data.text)},
          {"windows", data.windows},
          {"window", data.window},
          {"rows", data.rows},
          {"layers", data.layers},
          {"samples", data.samples},
          {"outlierShare", number_or_null(data.outlier_share)},
          {"seconds", number_or_null(data.seconds)},
          {"peakMemory", number_or_null(data.peak_memory)},
          {"analyses", std::move(analyses)}};
}

} // namespace latticelens::report
