#include "report/analysis_data.h"

#include "report/source.h"
#include <charconv>

namespace latticelens::report {
namespace {

// Far above what analyse writes; below them no page grows without bound.
constexpr std::size_t point_limit = 100'000, row_limit = 10'000, analysis_limit = 1000;
constexpr int exponent_limit = 1100;

/// The elements of a list as objects with a place of their own.
std::vector<Source> objects_of(const Source& source, const Json& list, const std::string& key,
                               std::size_t limit) {
  if (list.size() > limit)
    source.fail(key, "has more than " + std::to_string(limit) + " elements");
  std::vector<Source> objects;
  for (const Json& one : list) {
    if (!one.is_object())
      source.fail(key, "should hold objects");
    objects.push_back({one, source.where + " " + key});
  }
  return objects;
}

double number_of(const Source& source, const std::string& key, const Json& value) {
  if (!value.is_number() && !value.is_null())
    source.fail(key, "should hold numbers");
  return value.is_null() ? absent : value.get<double>();
}

CurvesPicture curves_of(const Source& source) {
  CurvesPicture picture{source.text("title"),
                        source.text("x"),
                        source.text("y"),
                        source.flag("x_logarithmic"),
                        source.flag("y_logarithmic"),
                        {},
                        source.text("caption")};
  const Json list = source.array("curves");
  for (const Source& curve : objects_of(source, list, "curves", row_limit)) {
    std::vector<std::pair<double, double>> points;
    for (const Json& point : curve.array("points")) {
      if (!point.is_array() || point.size() != 2 || points.size() >= point_limit)
        curve.fail("points", "should hold pairs of numbers");
      points.emplace_back(number_of(curve, "points", point[0]),
                          number_of(curve, "points", point[1]));
    }
    picture.curves.emplace_back(curve.text("name"), std::move(points));
  }
  return picture;
}

ExponentsPicture exponents_of(const Source& source) {
  ExponentsPicture picture{source.text("title"), {}, source.text("caption")};
  const Json list = source.array("rows");
  for (const Source& row : objects_of(source, list, "rows", row_limit)) {
    std::map<int, std::int64_t> counts;
    const Json object = row.object("counts");
    const Source numbers{object, row.where + " counts"};
    for (const auto& [key, value] : object.items()) {
      int exponent = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), exponent);
      if (error != std::errc() || end != key.data() + key.size() ||
          std::abs(exponent) > exponent_limit)
        row.fail("counts", "has the key \"" + key + "\", which is no exponent");
      counts[exponent] = numbers.count(key);
    }
    picture.rows.emplace_back(row.text("name"), std::move(counts));
  }
  return picture;
}

TablePicture table_of(const Source& source) {
  TablePicture picture{
      source.text("title"), texts_of(source, "columns"), {}, source.text("caption")};
  for (const Json& row : source.array("rows")) {
    if (!row.is_array() || row.size() != picture.columns.size() || picture.rows.size() >= row_limit)
      source.fail("rows", "should hold lists with a cell for each column");
    picture.rows.emplace_back();
    for (const Json& cell : row)
      if (cell.is_string())
        picture.rows.back().emplace_back(cell.get<std::string>());
      else
        picture.rows.back().emplace_back(number_of(source, "rows", cell));
  }
  return picture;
}

Picture picture_of(const Source& source) {
  const std::string kind = source.text("kind");
  if (kind == "curves")
    return curves_of(source);
  if (kind == "exponents")
    return exponents_of(source);
  if (kind != "table")
    source.fail("kind", "is \"" + kind + "\", not curves, exponents or table");
  return table_of(source);
}

AnalysisEntry entry_of(const Source& source) {
  AnalysisEntry entry{source.text("name"),
                      source.text("title"),
                      source.text("source"),
                      source.text("claim"),
                      source.text("verdict"),
                      source.text("sentence"),
                      {}};
  const Json list = source.array("charts");
  for (const Source& picture : objects_of(source, list, "charts", row_limit))
    entry.pictures.push_back(picture_of(picture));
  return entry;
}

} // namespace

bool is_analysis(const std::filesystem::path& folder) {
  return std::filesystem::is_regular_file(folder / "analysis.json");
}

AnalysisData read_analysis_data(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "analysis.json";
  const Json json = read_json(path);
  const Source source{json, path.string()};
  AnalysisData data{source.text("model"), source.text("format"), source.text("of"),
                    source.text("gains"), texts_of(source, "text")};
  data.windows = source.count("windows");
  data.window = source.count("window");
  data.rows = source.count("rows");
  data.layers = static_cast<std::int64_t>(source.array("layers").size());
  data.samples = source.count("samples");
  data.outlier_share = source.not_negative("outlier_share", 1);
  data.seconds = source.not_negative("seconds");
  if (source.has("peak_memory"))
    data.peak_memory = static_cast<double>(source.count("peak_memory"));
  const Json list = source.array("analyses");
  for (const Source& analysis : objects_of(source, list, "analyses", analysis_limit))
    data.analyses.push_back(entry_of(analysis));
  return data;
}

} // namespace latticelens::report
