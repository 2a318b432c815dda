#include "evaluate/task_set.h"

#include "core/error.h"

namespace latticelens {
namespace {

/// What one metric of one task came to, for the model and perhaps for the original.
struct Metric {
  Accuracy model;
  std::optional<Accuracy> original;
  Flips flips;
};

Metric metric_of(const std::vector<Item>& items, const std::vector<ItemScores>& scores,
                 const std::vector<ItemScores>* original, bool normalized) {
  const std::vector<bool> right = right_answers(items, scores, normalized);
  Metric metric{.model = accuracy_of(right)};
  if (!original)
    return metric;
  const std::vector<bool> before = right_answers(items, *original, normalized);
  metric.original = accuracy_of(before);
  metric.flips = flips_of(right, before);
  return metric;
}

Json error_json(const Accuracy& accuracy) {
  return accuracy.standard_error ? Json(*accuracy.standard_error) : Json(nullptr);
}

Json metric_json(const Metric& metric) {
  Json json = {{"value", metric.model.value}, {"standard_error", error_json(metric.model)}};
  if (!metric.original)
    return json;
  json["original"] = metric.original->value;
  json["original_standard_error"] = error_json(*metric.original);
  json["lost"] = metric.flips.lost;
  json["gained"] = metric.flips.gained;
  json["p"] = mcnemar(metric.flips);
  return json;
}

/// Every task counts the same in the accuracies; the flips are those of all items.
Metric mean_metric(const std::vector<Metric>& metrics) {
  std::vector<Accuracy> model, original;
  Metric mean;
  for (const Metric& metric : metrics) {
    model.push_back(metric.model);
    if (metric.original)
      original.push_back(*metric.original);
    mean.flips.lost += metric.flips.lost;
    mean.flips.gained += metric.flips.gained;
  }
  mean.model = mean_of(model);
  if (!original.empty())
    mean.original = mean_of(original);
  return mean;
}

} // namespace

std::vector<TaskInput> read_tasks(const std::vector<std::string>& names,
                                  const std::filesystem::path& folder,
                                  std::optional<std::int64_t> limit) {
  std::vector<TaskInput> inputs;
  for (const std::string& name : names) {
    const Task& task = task_named(name);
    for (const TaskInput& input : inputs)
      require(input.task != &task, "tasks", name + " stands twice in --tasks; name it once");
    inputs.push_back({.task = &task, .file = find_task_file(task, folder)});
  }
  for (TaskInput& input : inputs)
    input.items = read_items(*input.task, input.file, limit);
  return inputs;
}

void encode_tasks(std::vector<TaskInput>& inputs, const Tokenizer& tokenizer,
                  const EncodeOptions& options, const std::function<void()>& progress) {
  for (TaskInput& input : inputs) {
    input.tokens = encode_items(tokenizer, input.items, options);
    if (progress)
      progress();
  }
}

std::vector<TokenItem> all_items(const std::vector<TaskInput>& inputs) {
  std::vector<TokenItem> items;
  for (const TaskInput& input : inputs)
    items.insert(items.end(), input.tokens.items.begin(), input.tokens.items.end());
  return items;
}

std::vector<std::vector<ItemScores>> by_task(const std::vector<TaskInput>& inputs,
                                             const std::vector<ItemScores>& scores) {
  std::vector<std::vector<ItemScores>> parts;
  auto from = scores.begin();
  for (const TaskInput& input : inputs) {
    const auto to = from + static_cast<std::ptrdiff_t>(input.items.size());
    parts.emplace_back(from, to);
    from = to;
  }
  return parts;
}

Json tasks_json(const std::vector<TaskInput>& inputs,
                const std::vector<std::vector<ItemScores>>& scores,
                const std::vector<std::vector<ItemScores>>& original) {
  Json rows = Json::array();
  std::vector<Metric> compared;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TaskInput& input = inputs[i];
    Json row = {{"task", input.task->name},
                {"file", input.file.string()},
                {"items", input.items.size()},
                {"truncated", input.tokens.truncated},
                {"dropped_bytes", input.tokens.dropped_bytes}};
    for (const bool normalized : {false, true}) {
      if (normalized && !input.task->normalized)
        continue;
      const Metric metric =
          metric_of(input.items, scores[i], original.empty() ? nullptr : &original[i], normalized);
      row[normalized ? "acc_norm" : "acc"] = metric_json(metric);
      if (normalized == input.task->normalized)
        compared.push_back(metric);
    }
    rows.push_back(row);
  }
  return {{"tasks", rows}, {"mean", metric_json(mean_metric(compared))}};
}

std::vector<Json> item_rows(const TaskInput& input, const std::vector<ItemScores>& scores) {
  std::vector<Json> rows;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const Item& item = input.items[i];
    Json requests = Json::array();
    for (std::size_t j = 0; j < scores[i].size(); ++j)
      requests.push_back({{"context", item.requests[j].context},
                          {"continuation", item.requests[j].continuation},
                          {"log_likelihood", scores[i][j].log_likelihood},
                          {"greedy", scores[i][j].greedy},
                          {"tokens", scores[i][j].token_log_probabilities.size()}});
    Json row = {{"task", input.task->name},
                {"item", i},
                {"label", item.label},
                {"acc", answer_of(item, scores[i], false) == item.label}};
    if (input.task->normalized)
      row["acc_norm"] = answer_of(item, scores[i], true) == item.label;
    row["requests"] = requests;
    rows.push_back(row);
  }
  return rows;
}

} // namespace latticelens
