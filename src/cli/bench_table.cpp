#include "cli/bench_table.h"

#include "core/progress.h"
#include <cmath>
#include <cstdio>
#include <map>

namespace latticelens {
namespace {

/// NaN where the row has none; a loss that is not a number is null in a file.
double number(const Json& row, const char* key) {
  return row.contains(key) && row[key].is_number() ? row[key].get<double>() : std::nan("");
}

/// As printf does it; "-" for what is not a number.
std::string text_of(const char* format, double value) {
  char text[32] = "-";
  if (std::isfinite(value))
    std::snprintf(text, sizeof text, format, value);
  return text;
}

/// "41.3±0.8" in %, of a task's metric.
std::string share_text(const Json& mean, const char* value, const char* error) {
  const double deviation = 100 * number(mean, error);
  return text_of("%.1f", 100 * number(mean, value)) +
         (std::isfinite(deviation) ? text_of("±%.1f", deviation) : "");
}

constexpr int tasks_width = 10;

/// Pads to the right place by characters; ± has two bytes.
std::string padded(const std::string& text, int width) {
  int shown = 0;
  for (const char c : text)
    shown += (c & 0xC0) != 0x80;
  return std::string(static_cast<std::size_t>(std::max(0, width - shown)), ' ') + text;
}

} // namespace

void add_shares(std::vector<Json>& rows) {
  std::map<std::string, double> excess;
  for (const Json& row : rows)
    excess[row["name"].get<std::string>()] = number(row, "excess_loss");
  for (Json& row : rows) {
    const auto baseline = excess.find(row["baseline"].get<std::string>());
    if (!row.contains("excess_loss") || baseline == excess.end() || !(baseline->second > 0))
      continue;
    row["rtn_excess_removed"] = 1 - number(row, "excess_loss") / baseline->second;
  }
}

void BenchTable::head() const {
  std::printf("%-*s %10s %8s %8s %8s %7s%s %5s %8s %8s\n", width_, "method", "perplexity", "excess",
              "removed", "KL", "top-1", tasks_ ? padded("tasks %", tasks_width + 1).c_str() : "",
              "bits", "seconds", "peak");
}

void BenchTable::original(const Json& row) const {
  const Json mean = row.contains("tasks") ? row["tasks"]["mean"] : Json::object();
  std::printf(
      "%-*s %10s %8s %8s %8s %7s%s\n", width_, "original",
      text_of("%.2f", number(row, "original_perplexity")).c_str(), "0", "", "0", "100 %",
      tasks_
          ? padded(share_text(mean, "original", "original_standard_error"), tasks_width + 1).c_str()
          : "");
}

void BenchTable::row(const Json& row) const {
  const auto name = row["name"].get<std::string>();
  for (const char* missing : {"skipped", "failed"})
    if (row.contains(missing)) {
      std::printf("%-*s %s: %s\n", width_, name.c_str(), missing,
                  row[missing].get<std::string>().c_str());
      return;
    }
  const Json mean = row.contains("tasks") ? row["tasks"]["mean"] : Json::object();
  std::printf("%-*s %10s %8s %8s %8s %7s%s %5s %8s %8s\n", width_, name.c_str(),
              text_of("%.2f", number(row, "perplexity")).c_str(),
              text_of("%.3f", number(row, "excess_loss")).c_str(),
              text_of("%.0f %%", 100 * number(row, "rtn_excess_removed")).c_str(),
              text_of("%.4f", number(row, "kl")).c_str(),
              text_of("%.1f %%", 100 * number(row, "top1_agreement")).c_str(),
              tasks_ ? padded(share_text(mean, "value", "standard_error"), tasks_width + 1).c_str()
                     : "",
              text_of("%.2f", number(row, "bits_per_weight")).c_str(),
              text_of("%.1f", number(row, "seconds")).c_str(),
              bytes_text(row["peak_memory"].get<std::int64_t>()).c_str());
  std::fflush(stdout);
}

} // namespace latticelens
