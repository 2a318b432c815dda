#include "cli/bench_rows.h"
#include "cli/commands.h"
#include "core/json.h"
#include "evaluate/task.h"
#include "formats/format.h"
#include "model/family.h"
#include "quantize/method.h"
#include "rounding/rounding.h"
#include "transforms/transform.h"
#include <cstdio>

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

Json everything() {
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

void print_tables(const Json& all) {
  for (const auto& [kind, rows] : all.items()) {
    std::printf("%s\n", kind.c_str());
    for (const Json& row : rows) {
      std::printf("  %-13s %s\n", row["name"].get<std::string>().c_str(),
                  row["help"].get<std::string>().c_str());
      if (row.contains("method"))
        std::printf("  %-13s   %s\n", "", row["method"].get<std::string>().c_str());
      if (!row.contains("options"))
        continue;
      for (const Json& option : row["options"])
        std::printf("  %-13s   %s=%g: %s\n", "", option["name"].get<std::string>().c_str(),
                    option["default"].get<double>(), option["help"].get<std::string>().c_str());
    }
  }
}

} // namespace

void add_list(CLI::App& program) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = program.add_subcommand(
      "list", "Formats, roundings, transforms, presets, families and tasks there are");
  command->add_flag("--json", *json, "Print one JSON object");
  command->footer("Example: latticelens list");
  command->callback([json] {
    if (*json)
      std::printf("%s\n", to_text(everything()).c_str());
    else
      print_tables(everything());
  });
}

} // namespace latticelens
