// The table of formats, and names to formats.
#include "core/error.h"
#include "core/words.h"
#include "formats/format.h"
#include "formats/scale_rules.h"
#include "formats/table.h"

namespace latticelens {
namespace {

std::string known_names() {
  std::string names;
  for (const auto* table : {&formats(), &coded_formats()})
    for (const FormatRow& row : *table)
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
      {"mxfp6-e2m3", "6-bit floating point E2M3, blocks of 32, power-of-two scale", mxfp6_e2m3},
      {"mxfp6-e3m2", "6-bit floating point E3M2, blocks of 32, power-of-two scale", mxfp6_e3m2},
      {"mxfp8-e4m3", "8-bit floating point E4M3, blocks of 32, power-of-two scale", mxfp8_e4m3},
      {"mxint8", "integers -127 .. 127, blocks of 32, power-of-two scale", mxint8},
      {"mxint6", "integers -31 .. 31, blocks of 32, power-of-two scale", mxint6},
      {"mxint4", "integers -7 .. 7, blocks of 32, power-of-two scale", mxint4},
      {"nvfp4",
       "E2M1, blocks of 16 with E4M3 scales under one fp32 scale a tensor (of activations: from "
       "calibration, or with /token each token's)",
       nvfp4},
      {"bint4", "integers -7 .. 7, blocks of 32, fp16 scale", bint4},
      {"bint8", "integers -127 .. 127, blocks of 32, fp16 scale", bint8},
      {"bfp4", "E2M1, blocks of 32, fp16 scale", bfp4},
      {"int4", "integers -7 .. 7, fp32 scale a row; activations 0 .. 15 with a zero point a token",
       int4},
      {"int8",
       "integers -127 .. 127, fp32 scale a row; activations 0 .. 255 with a zero point a token",
       int8},
  };
  return table;
}

namespace {

const FormatRow& row_named(std::string_view name, std::string_view text) {
  for (const auto* table : {&formats(), &coded_formats()})
    for (const FormatRow& row : *table)
      if (name == row.name)
        return row;
  throw Error("format", "\"" + std::string(text) + "\" is unknown; known: " + known_names());
}

/// Sets the block of "NAME:BLOCK".
void set_block(Format& format, std::string_view block, std::string_view text) {
  constexpr double most = 65536;
  const double number = block == "row" ? 0 : parse_number(block, "format", text);
  const auto size = static_cast<std::int64_t>(number);
  require(block == "row" || (number >= 8 && number <= most && (size & (size - 1)) == 0 &&
                             number == static_cast<double>(size)),
          "format",
          "\"" + std::string(text) + "\": a block is a power of two from 8 to 65536, or row");
  if (size == format.block)
    return;
  format.block = size;
  format.name += ":" + std::string(block);
}

} // namespace

Format parse_format(std::string_view text) {
  std::vector<std::string> parts = split(text, '/');
  const std::size_t colon = parts[0].find(':');
  Format format = row_named(std::string_view(parts[0]).substr(0, colon), text).make();
  require(!format.coded || text == format.name, "format",
          "\"" + std::string(text) + "\": " + format.name +
              " has its own blocks and scales; write it without more");
  if (colon != std::string::npos)
    set_block(format, std::string_view(parts[0]).substr(colon + 1), text);
  if (parts.back() == "token") {
    require(format.rule.tensor_maximum > 0, "format",
            "\"" + std::string(text) + "\": " + format.name +
                " has no second scale that a token could have; leave /token out");
    format.scale_of_token = true;
    parts.pop_back();
  }
  const std::string default_rule = format.rule.scale_grid ? "maximum" : "floor";
  std::string rule, ties;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const bool is_ties = parts[i] == "away";
    std::string& seen = is_ties ? ties : rule;
    require(seen.empty() && (is_ties || set_scale_rule(format, parts[i])), "format",
            "\"" + parts[i] + "\" in \"" + std::string(text) +
                "\" is no option; once each: a scale rule (" + known_rules() + "default " +
                default_rule +
                "), \"away\" (ties away from zero, default to even), and last, for "
                "nvfp4, \"token\" (a second scale for each token)");
    seen = parts[i];
  }
  if (ties == "away")
    format.grid.ties = Ties::away;
  if (!rule.empty() && rule != default_rule)
    format.name += "/" + rule;
  if (ties == "away")
    format.name += "/away";
  if (format.scale_of_token)
    format.name += "/token";
  return format;
}

} // namespace latticelens
