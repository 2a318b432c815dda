// Items per second of the five tasks: rows of all requests together, shared beginnings once,
// against a batch for every request. Both hold a block's weights for all of them.
#include "bench/entry.h"
#include "core/progress.h"
#include "evaluate/task_set.h"
#include <cmath>
#include <cstdio>

namespace latticelens {
namespace {

/// Every request as an item of its own.
std::vector<TokenItem> single_requests(const std::vector<TokenItem>& items) {
  std::vector<TokenItem> single;
  for (const TokenItem& item : items)
    for (const TokenRequest& request : item)
      single.push_back({request});
  return single;
}

std::vector<double> log_likelihoods(const std::vector<ItemScores>& items) {
  std::vector<double> all;
  for (const ItemScores& item : items)
    for (const RequestScore& score : item)
      all.push_back(score.log_likelihood);
  return all;
}

/// What the first row was: the others are compared with it.
struct Baseline {
  double seconds = 0;
  std::vector<double> values;
};

void measure(const Model& model, const std::vector<TokenItem>& items, std::size_t count,
             const RowOptions& options, const char* name, Baseline& baseline) {
  const Stopwatch watch;
  const std::vector<double> values = log_likelihoods(score(model, items, options));
  const double seconds = watch.seconds();
  if (baseline.values.empty())
    baseline = {seconds, values};
  double difference = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    difference = std::max(difference, std::abs(values[i] - baseline.values[i]));
  std::printf("%-34s %9.2f %9.1f %7.1fx %12.1e\n", name, seconds,
              static_cast<double>(count) / seconds, baseline.seconds / seconds, difference);
  std::fflush(stdout);
}

void run(const char* path, const char* data, std::int64_t limit) {
  const Model model = open_plain_model(path);
  std::vector<std::string> names;
  for (const Task& task : tasks())
    names.emplace_back(task.name);
  std::vector<TaskInput> inputs = read_tasks(names, data, limit);
  encode_tasks(inputs, *open_tokenizer(path), {});
  const std::vector<TokenItem> items = all_items(inputs), single = single_requests(items);
  std::printf("%-34s %9s %9s %8s %12s\n", "a batch is", "seconds", "items/s", "faster",
              "difference");
  Baseline baseline;
  measure(model, single, items.size(), {.at_once = 1}, "one request", baseline);
  measure(model, items, items.size(), {.at_once = 1}, "one item, beginnings shared", baseline);
  measure(model, items, items.size(), {.shared = false}, "2048 rows, nothing shared", baseline);
  measure(model, items, items.size(), {}, "2048 rows, beginnings shared", baseline);
}

} // namespace
} // namespace latticelens

int main(int count, char** arguments) {
  return latticelens::run_benchmark(
      count, 3,
      "usage: bench_tasks MODEL DATA ITEMS_OF_EACH_TASK\n"
      "example: bench_tasks \"$(scripts/fetch-smollm2)\" tasks/ 100\n",
      [&] { latticelens::run(arguments[1], arguments[2], std::atoll(arguments[3])); });
}
