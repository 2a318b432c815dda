#include "learn/block_log.h"

#include "core/files.h"
#include "core/run_directory.h"
#include <cstdio>

namespace latticelens {

BlockLog::BlockLog(const std::filesystem::path& folder, std::int64_t finished)
    : path_(folder / "learning.jsonl") {
  for (const Json& row : read_lines(path_))
    if (member<std::int64_t>(row, "layer", path_.string()) < finished)
      rows_.push_back(row);
}

void BlockLog::add(std::int64_t layer, const BlockErrors& errors) {
  rows_.push_back({{"learns", "blocks"},
                   {"layer", layer},
                   {"loss_before", errors.before},
                   {"loss_after", errors.after}});
  std::string text;
  for (const Json& row : rows_)
    text += to_text(row) + "\n";
  write_text(path_, text);
}

std::string BlockLog::last() const {
  char text[64];
  std::snprintf(text, sizeof text, "error %.3g before, %.3g after",
                rows_.back()["loss_before"].get<double>(),
                rows_.back()["loss_after"].get<double>());
  return text;
}

} // namespace latticelens
