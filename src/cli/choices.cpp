#include "cli/choices.h"

#include "analysis/analysis.h"
#include "cli/bench_rows.h"
#include "cli/topics.h"
#include "core/words.h"
#include "evaluate/task.h"
#include "formats/format.h"
#include "lattice/order.h"
#include "quantize/export_gguf.h"
#include "quantize/method.h"
#include "sae/coder_kind.h"
#include <algorithm>

namespace latticelens {
namespace {

constexpr std::string_view several = ",...";

template<typename Rows>
std::vector<std::string> names(const Rows& rows) {
  std::vector<std::string> result;
  for (const auto& row : rows)
    result.emplace_back(row.name);
  return result;
}

struct Kind {
  const char* type_name;
  std::vector<std::string> (*choices)();
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> table = {
      {"PRESET", [] { return names(presets()); }},
      {"DEVICE",
       [] {
         return std::vector<std::string>{"cpu", "cuda"};
       }},
      {"KIND", [] { return names(coder_kinds()); }},
      {"FORMAT", [] { return names(formats()); }},
      {"GGUF-TYPE", gguf_type_names},
      {"ORDER", [] { return names(orders()); }},
      {"TASK", [] { return names(tasks()); }},
      {"ANALYSIS", [] { return names(analyses()); }},
      {"TABLE", [] { return names(bench_presets()); }},
      {"AXIS", [] { return names(bench_axes()); }},
      {"TOPIC", [] { return names(topics()); }},
  };
  return table;
}

} // namespace

std::vector<std::string> choices_of(const std::string& type_name) {
  if (is_list(type_name))
    return choices_of(type_name.substr(0, type_name.size() - several.size()));
  if (type_name.find('|') != std::string::npos)
    return split(type_name, '|');
  for (const Kind& kind : kinds())
    if (type_name == kind.type_name)
      return kind.choices();
  return {};
}

bool is_list(const std::string& type_name) {
  return type_name.ends_with(several);
}

bool is_path(const std::string& type_name) {
  return type_name == "FILE" || type_name == "DIR" || type_name == "PATH";
}

} // namespace latticelens
