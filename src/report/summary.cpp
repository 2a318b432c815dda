#include "report/summary.h"

#include <algorithm>

namespace latticelens::report {
namespace {

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : absent;
}

/// Sums over linears.
struct Sums {
  double error = 0, nearest_error = 0, energy = 0;
  double weights = 0, clipped = 0;
};

double error_of(const LinearRow& row, bool of_outputs) {
  return of_outputs ? row.error : row.weight_error;
}

double energy_of(const LinearRow& row, bool of_outputs) {
  return of_outputs ? row.energy : row.weight_energy;
}

Sums sums_of(const RunData& run, bool of_outputs) {
  Sums sums;
  for (const LinearRow& row : run.linears) {
    sums.error += error_of(row, of_outputs);
    sums.nearest_error += of_outputs ? row.nearest_error : absent;
    sums.energy += energy_of(row, of_outputs);
    sums.weights += static_cast<double>(row.outputs) * static_cast<double>(row.inputs);
    sums.clipped += static_cast<double>(row.clipped);
  }
  return sums;
}

/// Of the finite values; absent without any.
double median(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !known(value); });
  if (values.empty())
    return absent;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double median_relative_error(const RunData& run, bool of_outputs) {
  std::vector<double> values;
  for (const LinearRow& row : run.linears)
    values.push_back(ratio(error_of(row, of_outputs), energy_of(row, of_outputs)));
  return median(std::move(values));
}

/// Errors as shares of rounding to nearest's.
double median_of_nearest(const RunData& run) {
  std::vector<double> values;
  for (const LinearRow& row : run.linears)
    values.push_back(row.error / row.nearest_error);
  return median(std::move(values));
}

std::int64_t not_finite_activations(const RunData& run) {
  std::int64_t count = run.calibration_activations ? run.calibration_activations->not_finite : 0;
  for (const EvaluationRow& row : run.evaluations)
    count += row.activations ? row.activations->not_finite : 0;
  return count;
}

Json count_or_null(double value) {
  return known(value) ? Json(static_cast<std::int64_t>(value)) : Json(nullptr);
}

} // namespace

const EvaluationRow* main_evaluation(const RunData& run) {
  const EvaluationRow* chosen = nullptr;
  for (const EvaluationRow& row : run.evaluations)
    if (chosen == nullptr || known(row.kl) || !known(chosen->kl))
      chosen = &row;
  return chosen;
}

bool errors_are_of_outputs(const RunData& run) {
  return !run.linears.empty() &&
         std::all_of(run.linears.begin(), run.linears.end(),
                     [](const LinearRow& row) { return known(row.error) && known(row.energy); });
}

Json key_numbers(const RunData& run) {
  const bool of_outputs = errors_are_of_outputs(run);
  const Sums sums = sums_of(run, of_outputs);
  const EvaluationRow none;
  const EvaluationRow* found = main_evaluation(run);
  const EvaluationRow& row = found != nullptr ? *found : none;
  return {{"method", run.method},
          {"state", run.finished ? "finished" : "running"},
          {"perplexity", number_or_null(row.perplexity)},
          {"mean_nll", number_or_null(row.mean_loss)},
          {"original_perplexity", number_or_null(row.original_perplexity)},
          {"original_mean_nll", number_or_null(row.original_mean_loss)},
          {"kl", number_or_null(row.kl)},
          {"top1_agreement", number_or_null(row.top1_agreement)},
          {"error_of", of_outputs ? "outputs" : "weights"},
          {"relative_error", number_or_null(ratio(sums.error, sums.energy))},
          {"relative_nearest_error", number_or_null(ratio(sums.nearest_error, sums.energy))},
          {"median_relative_error", number_or_null(median_relative_error(run, of_outputs))},
          {"median_of_nearest", number_or_null(median_of_nearest(run))},
          {"clipped_share", number_or_null(ratio(sums.clipped, sums.weights))},
          {"not_finite_activations", not_finite_activations(run)},
          {"bits_per_weight", number_or_null(run.bits_per_weight)},
          {"seconds", number_or_null(run.seconds)},
          {"peak_memory", count_or_null(run.peak_memory)},
          {"model_bytes", count_or_null(run.model_bytes)}};
}

} // namespace latticelens::report
