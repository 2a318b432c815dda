// The tables of methods that bench knows by name.
#pragma once
#include "model/config.h"
#include <string>
#include <vector>

namespace latticelens {

struct BenchRow {
  std::string name, method;
  std::string baseline; // name of the row of plain rounding that this one is measured by, or empty
};

struct BenchPreset {
  const char* name;
  const char* help;
  std::vector<BenchRow> (*rows)();
};
const std::vector<BenchPreset>& bench_presets();

/// One thing varied, the others as the block-rotation paper has them.
struct BenchAxis {
  const char* name;
  const char* help;
  std::vector<BenchRow> (*rows)(const Config& config);
};
const std::vector<BenchAxis>& bench_axes();

/// "NAME: method string" a line; empty lines and those with # at the start are left out. Errors,
/// with the line's number: no colon, a method that cannot be read.
std::vector<BenchRow> read_bench_rows(const std::filesystem::path& file);

/// The name of a row's folder: what is no letter, digit or one of + - . becomes -.
std::string folder_name(const BenchRow& row);

/// Errors: a name twice, or two names whose folders are the same.
void require_distinct(const std::vector<BenchRow>& rows);

} // namespace latticelens
