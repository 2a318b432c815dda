// What evaluate measured: a line of metrics.jsonl, or part of a table's row.
#pragma once
#include "report/numbers.h"
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace latticelens::report {

struct Source;

struct ActivationCounts {
  std::int64_t values = 0, clipped = 0, not_finite = 0;
};

/// A place of the text where the predictions differ most from the original's. Losses in nats.
struct TokenPlace {
  std::int64_t window = 0, position = 0;
  double kl = absent, loss = absent, original_loss = absent;
  std::string before, token, likeliest, original_likeliest;
};

/// What happens to the loss of single tokens.
struct LossChanges {
  double worse = absent; // share of tokens with more loss
  std::vector<std::pair<std::string, double>> quantiles;
};

/// A row of metrics.jsonl with event "evaluation". Losses are in nats per token.
struct EvaluationRow {
  std::vector<std::string> text;
  std::int64_t window = 0;
  double perplexity = absent, mean_loss = absent;
  std::vector<double> window_loss;
  std::string against; // "": compared with no original
  double original_perplexity = absent, original_mean_loss = absent;
  double kl = absent, top1_agreement = absent;
  std::vector<double> window_kl;
  std::optional<ActivationCounts> activations;
  std::optional<LossChanges> loss_changes;
  std::vector<TokenPlace> places; // the largest divergence first
};

/// Shares of right answers. Against an original also its share, the answers that changed, and
/// McNemar's p.
struct TaskMetric {
  double value = absent, standard_error = absent;
  double original = absent, original_standard_error = absent, p = absent;
  std::optional<std::int64_t> lost, gained;
};

struct TaskRow {
  std::string name;
  std::int64_t items = 0;
  std::vector<std::pair<std::string, TaskMetric>> metrics; // "acc", "acc_norm"
};

/// A row of metrics.jsonl with event "tasks".
struct TasksRow {
  std::string against; // "": compared with no original
  std::vector<TaskRow> tasks;
  TaskMetric mean;
};

/// Absent when the object has no such member.
std::optional<ActivationCounts> activations_of(const Source& source, const std::string& key);
EvaluationRow evaluation_of(const Source& source);
TasksRow tasks_of(const Source& source);

} // namespace latticelens::report
