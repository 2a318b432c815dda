#include "cli/bench_rows.h"

#include "core/error.h"
#include "core/files.h"
#include "core/words.h"
#include "quantize/method.h"
#include <algorithm>
#include <map>
#include <span>

namespace latticelens {
namespace {

using BenchRows = std::vector<BenchRow>;

// The paper's settings, as the presets of `quantize` have them.
const std::string nearest = " rounding=nearest";

std::string in_format(const std::string& format) {
  return "weight=" + format + "/away activation=" + format + "/away";
}

/// Scales of blocks beyond 128 cannot wait for the feedback.
std::string error_feedback(const std::string& format = "mxfp4") {
  const std::int64_t block = parse_format(format).block;
  return std::string(" rounding=gptq:damp=0.01 scales=") +
         (block == 0 || block > 128 ? "static" : "stale") + " moments=original";
}

constexpr const char* all_sites[] = {"residual", "value_output", "down_input"};

std::string rotate(std::span<const char* const> sites, const std::string& size,
                   const std::string& size_of_values) {
  std::string text;
  for (const std::string site : sites) {
    const std::string& own = site == "value_output" ? size_of_values : size;
    text += (text.empty() ? "rotate=hadamard" : ",hadamard") + own + "@" + site;
  }
  return text.empty() ? "" : text + " ";
}

std::string full_rotations() {
  return rotate(all_sites, "", "");
}

/// A head's values are rotated whole where the size is beyond them.
std::string block_rotations(std::int64_t size, const Config& config,
                            std::span<const char* const> sites = all_sites) {
  return rotate(sites, ":" + std::to_string(size),
                ":" + std::to_string(std::min(size, config.head_dimension)));
}

BenchRow preset_row(const std::string& name) {
  return {name, to_text(preset_method(name)), "rtn"};
}

BenchRows paper_rows() {
  BenchRows rows;
  for (const Preset& preset : presets())
    rows.push_back(preset_row(preset.name));
  return rows;
}

BenchRows format_rows(const Config& config) {
  BenchRows rows;
  for (const char* name : {"mxfp4", "mxfp6-e2m3", "mxfp6-e3m2", "mxfp8-e4m3", "mxint8", "mxint6",
                           "mxint4", "nvfp4", "bint4", "bfp4", "int4"}) {
    const std::string format = name, values = in_format(format), plain = format + " rtn";
    const std::int64_t own = parse_format(format).block;
    const std::string blocks = block_rotations(own > 0 ? own : 32, config);
    rows.push_back({plain, values + nearest, plain});
    rows.push_back({format + " quarot", full_rotations() + values + nearest, plain});
    rows.push_back(
        {format + " quarot+", full_rotations() + values + error_feedback(format), plain});
    rows.push_back({format + " brq", blocks + values + error_feedback(format), plain});
  }
  return rows;
}

BenchRows rotation_size_rows(const Config& config) {
  BenchRows rows = {preset_row("rtn")};
  for (std::int64_t size = 16; size < std::max(config.hidden, config.intermediate); size *= 2)
    rows.push_back({"brq " + std::to_string(size),
                    block_rotations(size, config) + in_format("mxfp4") + error_feedback(), "rtn"});
  rows.push_back({"brq full", full_rotations() + in_format("mxfp4") + error_feedback(), "rtn"});
  return rows;
}

BenchRows position_rows(const Config& config) {
  BenchRows rows = {preset_row("rtn")};
  const char* const short_names[] = {"R1", "R2", "R4"}; // of all_sites
  for (const int subset : {0, 1, 2, 4, 3, 5, 6, 7}) {   // by their number
    std::string name;
    std::vector<const char*> chosen;
    for (int i = 0; i < 3; ++i)
      if (subset & 1 << i) {
        name += (name.empty() ? "" : "+") + std::string(short_names[i]);
        chosen.push_back(all_sites[i]);
      }
    rows.push_back({name.empty() ? "no rotation" : name,
                    block_rotations(32, config, chosen) + in_format("mxfp4") + error_feedback(),
                    "rtn"});
  }
  return rows;
}

/// Rotations stay at 32, so that only the blocks of the format change.
BenchRows granularity_rows(const Config& config) {
  BenchRows rows;
  for (const std::string format : {"bint4", "bfp4"})
    for (const char* block : {"16", "32", "64", "128", "256", "512", "1024", "row"}) {
      const std::string name = format + ":" + block, values = in_format(name);
      rows.push_back({name + " rtn", values + nearest, name + " rtn"});
      rows.push_back({name + " brq", block_rotations(32, config) + values + error_feedback(name),
                      name + " rtn"});
    }
  return rows;
}

bool is_format(const std::string& text) {
  try {
    parse_format(text);
    return true;
  } catch (const Error&) {
    return false;
  }
}

BenchRows scale_rule_rows(const Config& config) {
  BenchRows rows;
  for (const char* way : {"rtn", "brq"})
    for (const ScaleRuleRow& rule : scale_rules())
      for (const std::string ties : {"", "/away"}) {
        const std::string format = std::string("mxfp4/") + rule.name + ties;
        if (!is_format(format))
          continue; // a rule of scales that are no powers of two
        const std::string values = "weight=" + format + " activation=" + format;
        rows.push_back({format + " " + way,
                        way == std::string("rtn")
                            ? values + nearest
                            : block_rotations(32, config) + values + error_feedback(),
                        "mxfp4/floor/away rtn"});
      }
  return rows;
}

BenchRow row_of_line(const std::string& line, const std::string& where) {
  const std::size_t colon = line.find(": ");
  require(colon != std::string::npos && colon > 0, "bench",
          where + " is not \"NAME: method string\"; example: brq 7.25: weight=mxfp4/7.25 "
                  "activation=mxfp4/7.25 rounding=gptq");
  try {
    return {line.substr(0, colon), to_text(parse_method(line.substr(colon + 2))), "rtn"};
  } catch (const Error& error) {
    throw Error("bench", where + ": " + error.what());
  }
}

} // namespace

const std::vector<BenchPreset>& bench_presets() {
  static const std::vector<BenchPreset> table = {
      {"paper", "every preset of quantize: the block-rotation paper's comparison", paper_rows}};
  return table;
}

const std::vector<BenchAxis>& bench_axes() {
  static const std::vector<BenchAxis> table = {
      {"format", "eleven formats, each with rtn, quarot, quarot+ and brq", format_rows},
      {"rotation-size", "brq in mxfp4 with rotations of 16, 32, ... and full", rotation_size_rows},
      {"position", "brq in mxfp4 with each choice of R1, R2 and R4", position_rows},
      {"granularity", "bint4 and bfp4 in blocks of 16 to 1024 and rows, rtn and brq",
       granularity_rows},
      {"scale-rule", "mxfp4 with each scale rule and ties, rtn and brq", scale_rule_rows}};
  return table;
}

std::vector<BenchRow> read_bench_rows(const std::filesystem::path& file) {
  BenchRows rows;
  int number = 0;
  for (const std::string& line : split(read_text(file), '\n')) {
    ++number;
    if (!line.empty() && line[0] != '#')
      rows.push_back(row_of_line(line, file.string() + " line " + std::to_string(number)));
  }
  require(!rows.empty(), "bench",
          file.string() + ": holds no row; write \"NAME: method string\" a line");
  return rows;
}

std::string folder_name(const BenchRow& row) {
  std::string name = row.name;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '-' && c != '.')
      c = '-';
  return name[0] == '.' ? "-" + name.substr(1) : name;
}

void require_distinct(const std::vector<BenchRow>& rows) {
  std::map<std::string, std::string> names; // of folders, to rows
  for (const BenchRow& row : rows) {
    const auto [place, fresh] = names.emplace(folder_name(row), row.name);
    require(fresh, "bench",
            "the rows \"" + place->second + "\" and \"" + row.name +
                "\" would have the same folder; give one another name");
  }
}

} // namespace latticelens
