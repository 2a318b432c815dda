#include "cli/evaluate_tasks.h"

#include "cli/text_options.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include <cstdio>

namespace latticelens {
namespace {

std::string known_tasks() {
  std::string text = "Tasks, separated by commas:";
  for (const Task& task : tasks())
    text += std::string(text.back() == ':' ? " " : ", ") + task.name;
  return text;
}

std::int64_t positions_of(const Model& model, const Model* original) {
  const std::int64_t a = model.config.positions, b = original ? original->config.positions : 0;
  return a > 0 && b > 0 ? std::min(a, b) : std::max(a, b);
}

void write_items(const std::string& path, const std::vector<TaskInput>& inputs,
                 const std::vector<std::vector<ItemScores>>& scores) {
  std::string text;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (const Json& row : item_rows(inputs[i], scores[i]))
      text += to_text(row) + "\n";
  write_text(path, text);
}

std::string percent(const Json& metric, const char* value, const char* error) {
  char text[64];
  if (metric[error].is_null())
    std::snprintf(text, sizeof text, "%5.1f %%      ", 100 * metric[value].get<double>());
  else
    std::snprintf(text, sizeof text, "%5.1f ± %4.1f %%", 100 * metric[value].get<double>(),
                  100 * metric[error].get<double>());
  return text;
}

void print_metric(const std::string& task, const std::string& items, const char* name,
                  const Json& metric) {
  std::printf("%-14s %6s  %-9s %s", task.c_str(), items.c_str(), name,
              percent(metric, "value", "standard_error").c_str());
  if (metric.contains("original"))
    std::printf(
        "  %s  %5lld %6lld  %.3g", percent(metric, "original", "original_standard_error").c_str(),
        static_cast<long long>(metric["lost"].get<std::int64_t>()),
        static_cast<long long>(metric["gained"].get<std::int64_t>()), metric["p"].get<double>());
  std::printf("\n");
}

} // namespace

void add_task_options(CLI::App& command, TaskOptions& options) {
  command.add_option("--tasks", options.names, known_tasks())
      ->delimiter(',')
      ->allow_extra_args(false) // so that MODEL may follow
      ->type_name("TASK,...");
  command
      .add_option("--data", options.data,
                  "Folder with the tasks' files (names: docs/run_directory.md)")
      ->type_name("DIR");
  command.add_option("--limit", options.limit, "Items of each task, from the start (0: all)")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 30));
  command.add_flag("--no-bos", options.no_begin_of_text,
                   "Tasks without BOS, also where the tokenizer adds it");
}

Questions read_questions(const TaskOptions& options, const std::filesystem::path& path,
                         std::int64_t positions, bool quiet) {
  require(!options.data.empty(), "tasks", "--tasks needs the folder of their files; give --data");
  const auto limit = options.limit > 0 ? std::optional(options.limit) : std::nullopt;
  Questions questions{.inputs = read_tasks(options.names, options.data, limit)};
  const auto tokenizer = tokenizer_of(path);
  questions.begin_of_text = tokenizer->adds_begin_of_text() && !options.no_begin_of_text;
  Progress reading("tokenize", "tasks", static_cast<std::int64_t>(questions.inputs.size()), quiet);
  encode_tasks(questions.inputs, *tokenizer,
               {.begin_of_text = questions.begin_of_text, .positions = positions},
               [&] { reading.step(); });
  questions.items = all_items(questions.inputs);
  return questions;
}

TaskScores answers_of(const Model& model, const Questions& questions,
                      const std::function<void()>& progress) {
  return by_task(questions.inputs, score(model, questions.items, {}, progress));
}

Json answers_json(const TaskOptions& options, const Questions& questions, const TaskScores& scores,
                  const TaskScores& original) {
  Json json = {{"data", options.data}, {"begin_of_text", questions.begin_of_text}};
  json.update(tasks_json(questions.inputs, scores, original));
  return json;
}

Json evaluate_tasks(const TaskOptions& options, const std::filesystem::path& path,
                    const Model& model, const Model* original, bool quiet) {
  require(!original || original->config.vocabulary == model.config.vocabulary, "tasks",
          model.path.string() + " and " + (original ? original->path.string() : "") +
              " have vocabularies of different sizes; compare with the model it was made from");
  const Questions questions = read_questions(options, path, positions_of(model, original), quiet);
  std::int64_t steps = scoring_steps(model, questions.items);
  if (original)
    steps += scoring_steps(*original, questions.items);
  Progress progress("evaluate", "steps", steps, quiet);
  const auto answers = [&](const Model& one) {
    return answers_of(one, questions, [&] { progress.step(); });
  };
  const TaskScores scores = answers(model);
  const TaskScores original_scores = original ? answers(*original) : TaskScores();
  progress.finish();
  if (!options.items.empty())
    write_items(options.items, questions.inputs, scores);
  return answers_json(options, questions, scores, original_scores);
}

void print_tasks(const Json& json) {
  const bool compared = json["mean"].contains("original");
  std::printf("%-14s %6s  %-9s %14s%s\n", "task", "items", "metric", "value",
              compared ? "        original    lost gained  p (McNemar)" : "");
  for (const Json& row : json["tasks"]) {
    const std::string items = std::to_string(row["items"].get<std::int64_t>());
    print_metric(row["task"].get<std::string>(), items, "acc", row["acc"]);
    if (row.contains("acc_norm"))
      print_metric("", "", "acc_norm", row["acc_norm"]);
  }
  print_metric("mean", "", "", json["mean"]);
  for (const Json& row : json["tasks"]) {
    const auto note = [&](const char* key, const char* words) {
      const auto count = row[key].get<std::int64_t>();
      if (count > 0)
        std::printf("%s: %lld %s\n", row["task"].get<std::string>().c_str(),
                    static_cast<long long>(count), words);
    };
    note("truncated", "contexts were longer than the model's input and lost their beginning");
    note("dropped_bytes", "bytes have no token in this vocabulary and were left out");
  }
}

} // namespace latticelens
