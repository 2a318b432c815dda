// The data sets of tasks as files in a folder.
#pragma once
#include "evaluate/task.h"
#include <optional>

namespace latticelens {

/// The first of the task's files that the folder has: NAME.jsonl, or NAME.firstN.jsonl for the
/// first N rows. Errors: none (listing what was looked for; where there is .parquet instead, with
/// the command that converts it), no such folder.
std::filesystem::path find_task_file(const Task& task, const std::filesystem::path& folder);

/// The items of a file with one JSON object a line, at most `limit`; empty lines are passed over.
/// Errors name file, line, what is wrong with the row and what a row should have.
std::vector<Item> read_items(const Task& task, const std::filesystem::path& path,
                             std::optional<std::int64_t> limit = std::nullopt);

} // namespace latticelens
