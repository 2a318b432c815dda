#include "cli/tables.h"

#include "cli/bench_rows.h"
#include "core/words.h"
#include "evaluate/task.h"
#include "formats/format.h"
#include "model/family.h"
#include "quantize/method.h"
#include "rounding/rounding.h"
#include "transforms/transform.h"
#include <algorithm>

namespace latticelens {
namespace {

template<typename Rows>
Json rows_of(const Rows& rows) {
  Json json = Json::array();
  for (const auto& row : rows)
    json.push_back({{"name", row.name}, {"help", row.help}});
  return json;
}

template<typename Rows>
Json rows_with_options(const Rows& rows) {
  Json json = rows_of(rows);
  for (std::size_t i = 0; i < json.size(); ++i)
    for (const auto& option : rows[i].options)
      json[i]["options"].push_back(
          {{"name", option.name}, {"default", option.fallback}, {"help", option.help}});
  return json;
}

constexpr std::size_t name_width = 13;

std::string padded(std::string name) {
  name.resize(std::max(name.size(), name_width), ' ');
  return "  " + name + " ";
}

std::string row_text(const Json& row) {
  std::string text = padded(row["name"].get<std::string>()) + row["help"].get<std::string>() + "\n";
  const std::string below = padded("") + "  ";
  if (row.contains("method"))
    text += below + row["method"].get<std::string>() + "\n";
  if (row.contains("options"))
    for (const Json& option : row["options"])
      text += below + option["name"].get<std::string>() + "=" +
              shortest(option["default"].get<double>()) + ": " + option["help"].get<std::string>() +
              "\n";
  return text;
}

} // namespace

Json all_tables() {
  const Json roundings_json = rows_with_options(roundings()),
             learnings_json = rows_with_options(learnings());
  Json presets_json = rows_of(presets());
  for (std::size_t i = 0; i < presets_json.size(); ++i)
    presets_json[i]["method"] = presets()[i].method;
  return {{"formats", rows_of(formats())},
          {"formats of weights only", rows_of(coded_formats())},
          {"scale rules", rows_of(scale_rules())},
          {"roundings", roundings_json},
          {"permutations", rows_of(permutations())},
          {"transforms", rows_of(transforms())},
          {"sites", rows_of(sites())},
          {"learning", learnings_json},
          {"presets", presets_json},
          {"families", rows_of(families())},
          {"tasks", rows_of(tasks())},
          {"tables of bench (--preset)", rows_of(bench_presets())},
          {"ablations of bench (--axis)", rows_of(bench_axes())}};
}

std::string tables_text(const Json& tables) {
  std::string text;
  for (const auto& [kind, rows] : tables.items()) {
    text += kind + "\n";
    for (const Json& row : rows)
      text += row_text(row);
  }
  return text;
}

} // namespace latticelens
