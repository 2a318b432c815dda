// Several tasks evaluated together, so that a model's blocks are loaded once for all of them.
#pragma once
#include "evaluate/accuracy.h"
#include "evaluate/task_files.h"

namespace latticelens {

struct TaskInput {
  const Task* task = nullptr;
  std::filesystem::path file;
  std::vector<Item> items;
  TokenItems tokens;
};

/// Finds and reads the files of the named tasks, at most `limit` items of each. Errors: those of
/// find_task_file and read_items, an unknown task, one named twice.
std::vector<TaskInput> read_tasks(const std::vector<std::string>& names,
                                  const std::filesystem::path& folder,
                                  std::optional<std::int64_t> limit = std::nullopt);

/// `progress` after each task.
void encode_tasks(std::vector<TaskInput>& inputs, const Tokenizer& tokenizer,
                  const EncodeOptions& options, const std::function<void()>& progress = {});

/// The tokenized items of all tasks, in order.
std::vector<TokenItem> all_items(const std::vector<TaskInput>& inputs);

/// The scores of all_items, cut up by task again.
std::vector<std::vector<ItemScores>> by_task(const std::vector<TaskInput>& inputs,
                                             const std::vector<ItemScores>& scores);

/// Results as documented in docs/run_directory.md. `original`: scores of the model to compare with,
/// or empty.
Json tasks_json(const std::vector<TaskInput>& inputs,
                const std::vector<std::vector<ItemScores>>& scores,
                const std::vector<std::vector<ItemScores>>& original);

/// One object an item: its task and place, the label, and each request's log-likelihood, tokens and
/// whether it is greedy.
std::vector<Json> item_rows(const TaskInput& input, const std::vector<ItemScores>& scores);

} // namespace latticelens
