#include "report/run_json.h"

#include "report/file_name.h"
#include "report/method_words.h"
#include "report/next_step.h"
#include "report/printable.h"
#include "report/summary.h"

namespace latticelens::report {
namespace {

template<typename Row, typename Make>
Json list_of(const std::vector<Row>& rows, Make make) {
  Json list = Json::array();
  for (const Row& row : rows)
    list.push_back(make(row));
  return list;
}

Json numbers_json(const std::vector<double>& numbers) {
  return list_of(numbers, number_or_null);
}

/// Null without counts.
Json counts_json(const std::optional<ActivationCounts>& counts) {
  if (!counts)
    return nullptr;
  return {
      {"values", counts->values}, {"clipped", counts->clipped}, {"notFinite", counts->not_finite}};
}

Json exponents_json(const std::map<int, std::int64_t>& counts) {
  Json pairs = Json::array();
  for (const auto& [exponent, count] : counts)
    pairs.push_back(Json::array({exponent, count}));
  return pairs;
}

Json certificate_json(const std::optional<CertificateRow>& proof) {
  if (!proof)
    return nullptr;
  return {{"error", number_or_null(proof->error)},
          {"lowerBound", number_or_null(proof->lower_bound)},
          {"sphere", number_or_null(proof->sphere)},
          {"rateBound", number_or_null(proof->rate_bound)},
          {"headroom", number_or_null(proof->headroom_decibels)},
          {"profileRatio", number_or_null(proof->profile_ratio)},
          {"profile", numbers_json(proof->profile)}};
}

Json rotation_json(const std::optional<RotationEffect>& effect) {
  if (!effect)
    return nullptr;
  return {{"before", exponents_json(effect->before)},
          {"after", exponents_json(effect->after)},
          {"energyBefore", number_or_null(effect->energy_before)}};
}

Json linear_json(const LinearRow& row, bool of_outputs) {
  return {{"layer", row.layer},
          {"linear", row.linear},
          {"outputs", row.outputs},
          {"inputs", row.inputs},
          {"clipped", row.clipped},
          {"error", number_or_null(of_outputs ? row.error : row.weight_error)},
          {"energy", number_or_null(of_outputs ? row.energy : row.weight_energy)},
          {"nearestError", number_or_null(of_outputs ? row.nearest_error : absent)},
          {"weightEnergy", number_or_null(row.weight_energy)},
          {"scales", exponents_json(row.scale_exponents)},
          {"rotation", rotation_json(row.rotation)},
          {"damping", number_or_null(row.damping)},
          {"escalations", row.escalations},
          {"certificate", certificate_json(row.certificate)}};
}

Json place_json(const TokenPlace& place) {
  return {{"window", place.window},
          {"position", place.position},
          {"kl", number_or_null(place.kl)},
          {"loss", number_or_null(place.loss)},
          {"originalLoss", number_or_null(place.original_loss)},
          {"before", place.before},
          {"token", place.token},
          {"likeliest", place.likeliest},
          {"originalLikeliest", place.original_likeliest}};
}

Json changes_json(const std::optional<LossChanges>& changes) {
  if (!changes)
    return nullptr;
  return {{"worse", number_or_null(changes->worse)},
          {"quantiles", list_of(changes->quantiles, [](const auto& quantile) {
             return Json::array({quantile.first, number_or_null(quantile.second)});
           })}};
}

Json metric_json(const TaskMetric& metric) {
  const auto count = [](const std::optional<std::int64_t>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  return {{"value", number_or_null(metric.value)},
          {"standardError", number_or_null(metric.standard_error)},
          {"original", number_or_null(metric.original)},
          {"originalStandardError", number_or_null(metric.original_standard_error)},
          {"lost", count(metric.lost)},
          {"gained", count(metric.gained)},
          {"p", number_or_null(metric.p)}};
}

Json task_json(const TaskRow& task) {
  return {{"name", task.name},
          {"items", task.items},
          {"metrics", list_of(task.metrics, [](const auto& named) {
             Json metric = metric_json(named.second);
             metric["name"] = named.first;
             return metric;
           })}};
}

Json learning_json(const LearningRow& row) {
  return {{"learns", row.learns},
          {"step", row.step},
          {"layer", row.layer},
          {"loss", number_or_null(row.loss)},
          {"heldOut", number_or_null(row.held_out)},
          {"before", number_or_null(row.before)},
          {"after", number_or_null(row.after)}};
}

Json model_json(const std::optional<ModelFacts>& model) {
  if (!model)
    return nullptr;
  return {{"name", model->path.empty() ? "model" : file_name(model->path)},
          {"family", model->family},
          {"layers", model->layers},
          {"hidden", model->hidden},
          {"intermediate", model->intermediate},
          {"vocabulary", model->vocabulary},
          {"tied", model->tied}};
}

Json calibration_json(const std::optional<CalibrationFacts>& calibration) {
  if (!calibration)
    return nullptr;
  return {{"files", file_names(calibration->files)},
          {"windows", calibration->windows},
          {"window", calibration->window},
          {"droppedBytes", calibration->dropped_bytes}};
}

/// The place of the evaluation that the verdict is about; null without any.
Json main_place(const RunData& run) {
  const EvaluationRow* row = main_evaluation(run);
  return row != nullptr ? Json(row - run.evaluations.data()) : Json(nullptr);
}

} // namespace

Json method_json(const std::string& method) {
  return {{"text", method},
          {"parts", quantized_parts(method)},
          {"roundsToNearest", rounds_to_nearest(method)},
          {"words", list_of(explained(method), [](const MethodWord& word) {
             return Json{{"word", word.word}, {"meaning", word.meaning}};
           })}};
}

Json evaluation_json(const EvaluationRow& row) {
  return {{"text", file_names(row.text)},
          {"window", row.window},
          {"perplexity", number_or_null(row.perplexity)},
          {"meanLoss", number_or_null(row.mean_loss)},
          {"windowLoss", numbers_json(row.window_loss)},
          {"against", row.against.empty() ? Json(nullptr) : Json(file_name(row.against))},
          {"originalPerplexity", number_or_null(row.original_perplexity)},
          {"originalMeanLoss", number_or_null(row.original_mean_loss)},
          {"kl", number_or_null(row.kl)},
          {"agreement", number_or_null(row.top1_agreement)},
          {"windowKl", numbers_json(row.window_kl)},
          {"activations", counts_json(row.activations)},
          {"changes", changes_json(row.loss_changes)},
          {"places", list_of(row.places, place_json)}};
}

Json tasks_json(const TasksRow& row) {
  return {{"against", row.against.empty() ? Json(nullptr) : Json(file_name(row.against))},
          {"tasks", list_of(row.tasks, task_json)},
          {"mean", metric_json(row.mean)}};
}

Json run_json(const RunData& run) {
  const bool of_outputs = errors_are_of_outputs(run);
  return {{"folder", printable(run.folder.string())},
          {"finished", run.finished},
          {"preset", run.preset},
          {"method", method_json(run.method)},
          {"seed", run.seed},
          {"dtype", run.dtype},
          {"calibrationDtype", run.calibration_dtype},
          {"program", run.program},
          {"libtorch", run.libtorch},
          {"model", model_json(run.model)},
          {"calibration", calibration_json(run.calibration)},
          {"times", list_of(run.times,
                            [](const auto& time) {
                              return Json::array({time.first, number_or_null(time.second)});
                            })},
          {"seconds", number_or_null(run.seconds)},
          {"peakMemory", number_or_null(run.peak_memory)},
          {"modelBytes", number_or_null(run.model_bytes)},
          {"bitsPerWeight", number_or_null(run.bits_per_weight)},
          {"threads", run.threads},
          {"resumedBlocks", run.resumed_blocks},
          {"calibrationActivations", counts_json(run.calibration_activations)},
          {"ofOutputs", of_outputs},
          {"summary", key_numbers(run)},
          {"linears", list_of(run.linears,
                              [&](const LinearRow& row) { return linear_json(row, of_outputs); })},
          {"evaluations", list_of(run.evaluations, evaluation_json)},
          {"mainEvaluation", main_place(run)},
          {"tasks", run.tasks.empty() ? Json(nullptr) : tasks_json(run.tasks.back())},
          {"learning", list_of(run.learning, learning_json)},
          {"commands",
           {{"quantize", printable(quantize_command(run))},
            {"evaluate", printable(evaluate_command(run))}}}};
}

} // namespace latticelens::report
