// The table of tasks, and names to tasks.
#include "core/error.h"
#include "evaluate/tasks/rows.h"

namespace latticelens {
namespace {

const char* const question_fields = "\"question\" (with \"stem\" and \"choices\") and "
                                    "\"answerKey\", or the hub's flat layout";

} // namespace

const std::vector<Task>& tasks() {
  static const std::vector<Task> table = {
      {.name = "piqa",
       .help = "PIQA, validation: how to do everyday things",
       .normalized = true,
       .fields = "\"goal\", \"sol1\", \"sol2\" and \"label\" (0 or 1)",
       .words = "piqa validation",
       .files = {"piqa_valid", "piqa_validation", "piqa", "piqa/validation", "piqa/valid"},
       .item = piqa_item},
      {.name = "winogrande",
       .help = "WinoGrande XL, validation: which of two names is meant",
       .normalized = false,
       .fields = "\"sentence\" (with _), \"option1\", \"option2\" and \"answer\" (1 or 2)",
       .words = "winogrande validation",
       .files = {"winogrande_xl_dev", "winogrande_dev", "winogrande_validation", "winogrande",
                 "winogrande/validation", "winogrande/dev", "winogrande_1.1/dev"},
       .item = winogrande_item},
      {.name = "openbookqa",
       .help = "OpenBookQA, test: elementary science with common knowledge",
       .normalized = true,
       .fields = question_fields,
       .words = "openbookqa test",
       .files = {"openbookqa_test", "openbookqa", "openbookqa/test",
                 "OpenBookQA-V1-Sep2018/Data/Main/test"},
       .item = openbookqa_item},
      {.name = "arc-easy",
       .help = "ARC-Easy, test: grade-school science",
       .normalized = true,
       .fields = question_fields,
       .words = "arc easy test",
       .files = {"ARC-Easy-Test", "arc_easy_test", "arc_easy", "arc-easy", "ARC-Easy/test",
                 "ARC-Easy/ARC-Easy-Test", "ARC-V1-Feb2018-2/ARC-Easy/ARC-Easy-Test"},
       .item = arc_item},
      {.name = "arc-challenge",
       .help = "ARC-Challenge, test: grade-school science that word statistics do not answer",
       .normalized = true,
       .fields = question_fields,
       .words = "arc challenge test",
       .files = {"ARC-Challenge-Test", "arc_challenge_test", "arc_challenge", "arc-challenge",
                 "ARC-Challenge/test", "ARC-Challenge/ARC-Challenge-Test",
                 "ARC-V1-Feb2018-2/ARC-Challenge/ARC-Challenge-Test"},
       .item = arc_item}};
  return table;
}

const Task& task_named(const std::string& name) {
  std::string known;
  for (const Task& task : tasks()) {
    if (name == task.name)
      return task;
    known += (known.empty() ? "" : ", ") + std::string(task.name);
  }
  throw Error("tasks", "\"" + name + "\" is no task; known: " + known);
}

} // namespace latticelens
