#include "report/evaluation_data.h"

#include "report/source.h"

namespace latticelens::report {
namespace {

constexpr std::size_t task_limit = 1000, place_limit = 10'000; // far above any file's

TokenPlace place_of(const Source& source) {
  return {.window = source.count("window"),
          .position = source.count("position"),
          .kl = source.number("kl"),
          .loss = source.number("loss"),
          .original_loss = source.number("original_loss"),
          .before = source.text("before"),
          .token = source.text("token"),
          .likeliest = source.text("likeliest"),
          .original_likeliest = source.text("original_likeliest")};
}

std::vector<TokenPlace> places_of(const Source& source) {
  std::vector<TokenPlace> places;
  for (const Json& place : source.array("positions")) {
    if (!place.is_object() || places.size() >= place_limit)
      source.fail("positions", "should hold objects, no more than " + std::to_string(place_limit));
    places.push_back(place_of({place, source.where + " positions"}));
  }
  return places;
}

std::optional<LossChanges> changes_of(const Source& source) {
  if (!source.has("loss_changes"))
    return std::nullopt;
  const Json object = source.object("loss_changes");
  const Source shares{object, source.where + " loss_changes"};
  LossChanges changes{.worse = shares.not_negative("worse", 1)};
  for (const char* share : {"1%", "5%", "25%", "50%", "75%", "95%", "99%"})
    changes.quantiles.emplace_back(share, shares.number(share));
  return changes;
}

TaskMetric metric_of(const Source& source) {
  TaskMetric metric{source.not_negative("value", 1), source.not_negative("standard_error"),
                    source.not_negative("original", 1),
                    source.not_negative("original_standard_error"), source.not_negative("p", 1)};
  if (source.has("lost"))
    metric.lost = source.count("lost");
  if (source.has("gained"))
    metric.gained = source.count("gained");
  return metric;
}

TaskRow task_of(const Source& source) {
  TaskRow row{source.text("task"), source.count("items"), {}};
  for (const char* name : {"acc", "acc_norm"})
    if (source.has(name)) {
      const Json metric = source.object(name);
      row.metrics.emplace_back(name, metric_of({metric, source.where + " " + name}));
    }
  return row;
}

} // namespace

std::optional<ActivationCounts> activations_of(const Source& source, const std::string& key) {
  if (!source.has(key))
    return std::nullopt;
  const Json object = source.object(key);
  const Source counts{object, source.where + " " + key};
  return ActivationCounts{counts.count("values"), counts.count("clipped"),
                          counts.count("not_finite")};
}

EvaluationRow evaluation_of(const Source& source) {
  EvaluationRow row;
  row.text = texts_of(source, "text");
  row.window = source.count("window");
  row.perplexity = source.not_negative("perplexity");
  row.mean_loss = source.not_negative("mean_nll");
  row.window_loss = numbers_of(source, "windows");
  row.against = source.text("against");
  row.original_perplexity = source.not_negative("original_perplexity");
  row.original_mean_loss = source.not_negative("original_mean_nll");
  row.kl = source.number("kl");
  row.top1_agreement = source.not_negative("top1_agreement", 1);
  row.window_kl = numbers_of(source, "window_kl");
  row.activations = activations_of(source, "activations");
  row.loss_changes = changes_of(source);
  row.places = places_of(source);
  return row;
}

TasksRow tasks_of(const Source& source) {
  TasksRow row{source.text("against"), {}, {}};
  const Json mean = source.object("mean");
  row.mean = metric_of({mean, source.where + " mean"});
  for (const Json& task : source.array("tasks")) {
    if (!task.is_object() || row.tasks.size() >= task_limit)
      source.fail("tasks", "should hold objects, no more than " + std::to_string(task_limit));
    row.tasks.push_back(task_of({task, source.where + " tasks"}));
  }
  return row;
}

} // namespace latticelens::report
