// The part of the evaluate command that answers questions of multiple choice.
#pragma once
#include "quantize/packed_model.h"
#include <CLI/CLI.hpp>

namespace latticelens {

struct TaskOptions {
  std::vector<std::string> names;
  std::string data, items; // the folder of the data sets; where each item's scores go, or empty
  std::int64_t limit = 0;  // items of each task; 0: all
  bool no_begin_of_text = false;
};

void add_task_options(CLI::App& command, TaskOptions& options);

/// "data", "begin_of_text", "tasks" and "mean" (docs/run_directory.md).
Json evaluate_tasks(const TaskOptions& options, const std::filesystem::path& path,
                    const Model& model, const Model* original, bool quiet);

void print_tasks(const Json& json);

} // namespace latticelens
