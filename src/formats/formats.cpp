// The table of formats, and names to formats.
#include "core/error.h"
#include "core/words.h"
#include "formats/format.h"
#include "formats/mxfp4.h"
#include "formats/scale_rules.h"

namespace latticelens {
namespace {

std::string known_names() {
  std::string names;
  for (const FormatRow& row : formats())
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

std::string known_rules() {
  std::string names;
  for (const ScaleRuleRow& row : scale_rules())
    names += std::string(row.name) + ", ";
  return names;
}

} // namespace

const std::vector<FormatRow>& formats() {
  static const std::vector<FormatRow> table = {
      {"mxfp4",
       "4-bit floating point E2M1, blocks of 32 with a power-of-two scale (OCP Microscaling)",
       mxfp4},
  };
  return table;
}

Format parse_format(std::string_view text) {
  const std::vector<std::string> parts = split(text, '/');
  const FormatRow* found = nullptr;
  for (const FormatRow& row : formats())
    if (parts[0] == row.name)
      found = &row;
  require(found != nullptr, "format",
          "\"" + std::string(text) + "\" is unknown; known: " + known_names());
  Format format = found->make();
  std::string rule, ties;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const bool is_ties = parts[i] == "away";
    std::string& seen = is_ties ? ties : rule;
    require(seen.empty() && (is_ties || set_scale_rule(format, parts[i])), "format",
            "\"" + parts[i] + "\" in \"" + std::string(text) +
                "\" is no option; once each: a scale rule (" + known_rules() +
                "default floor), and \"away\" (ties away from zero, default to even)");
    seen = parts[i];
  }
  if (ties == "away")
    format.grid.ties = Ties::away;
  if (!rule.empty() && rule != "floor")
    format.name += "/" + rule;
  if (ties == "away")
    format.name += "/away";
  return format;
}

} // namespace latticelens
