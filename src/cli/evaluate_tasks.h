// The part of the evaluate command that answers questions of multiple choice.
#pragma once
#include "evaluate/task_set.h"
#include "quantize/packed_model.h"
#include <CLI/CLI.hpp>

namespace latticelens {

struct TaskOptions {
  std::vector<std::string> names;
  std::string data, items; // the folder of the data sets; where each item's scores go, or empty
  std::int64_t limit = 0;  // items of each task; 0: all
  bool no_begin_of_text = false;
};

/// --tasks, --data, --limit and --no-bos.
void add_task_options(CLI::App& command, TaskOptions& options);

/// The tasks' questions as a model's tokens.
struct Questions {
  std::vector<TaskInput> inputs;
  std::vector<TokenItem> items; // of all tasks
  bool begin_of_text = false;
};
/// path: whose tokenizer it is. positions: longest input of the models that will be asked. Errors:
/// no folder of data, and those of read_tasks.
Questions read_questions(const TaskOptions& options, const std::filesystem::path& path,
                         std::int64_t positions, bool quiet);

using TaskScores = std::vector<std::vector<ItemScores>>; // of each task's items
/// `progress` as often as scoring_steps says.
TaskScores answers_of(const Model& model, const Questions& questions,
                      const std::function<void()>& progress = {});

/// As evaluate_tasks; original: its answers, or empty.
Json answers_json(const TaskOptions& options, const Questions& questions, const TaskScores& scores,
                  const TaskScores& original);

/// "data", "begin_of_text", "tasks" and "mean" (docs/run_directory.md).
Json evaluate_tasks(const TaskOptions& options, const std::filesystem::path& path,
                    const Model& model, const Model* original, bool quiet);

void print_tasks(const Json& json);

} // namespace latticelens
