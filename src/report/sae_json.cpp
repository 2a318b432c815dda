#include "report/sae_json.h"

#include "report/file_name.h"
#include "report/next_step.h"
#include "report/printable.h"

namespace latticelens::report {
namespace {

Json metrics_json(const CoderMetrics& metrics) {
  Json density = nullptr;
  if (metrics.density)
    density = {{"start", metrics.density->start},
               {"step", metrics.density->step},
               {"counts", metrics.density->counts}};
  return {{"fvuDataset", number_or_null(metrics.fvu_dataset)},
          {"fvuBatch", number_or_null(metrics.fvu_batch)},
          {"l0", number_or_null(metrics.l0)},
          {"dead", number_or_null(metrics.dead)},
          {"density", std::move(density)}};
}

Json evaluation_json(const std::optional<CoderEvaluation>& evaluation) {
  if (!evaluation)
    return nullptr;
  return {{"metrics", metrics_json(evaluation->metrics)},
          {"ceOriginal", number_or_null(evaluation->ce_original)},
          {"ceSubstituted", number_or_null(evaluation->ce_substituted)},
          {"ceZero", number_or_null(evaluation->ce_zero)},
          {"lossRecovered", number_or_null(evaluation->loss_recovered_ce)},
          {"lossRecoveredKl", number_or_null(evaluation->loss_recovered_kl)},
          {"pcaFvu", number_or_null(evaluation->pca_fvu)},
          {"randomFvu", number_or_null(evaluation->random_fvu)},
          {"effectiveRank", number_or_null(evaluation->effective_rank)}};
}

Json coder_json(const CoderRow& coder) {
  Json training = Json::array();
  for (const TrainingPoint& point : coder.training)
    training.push_back(
        Json::array({point.step, number_or_null(point.loss), number_or_null(point.fvu)}));
  return {{"site", printable(coder.site)},
          {"kind", printable(coder.kind)},
          {"folder", printable(coder.folder)},
          {"latents", coder.latents},
          {"k", coder.k},
          {"seed", coder.seed},
          {"learningRate", number_or_null(coder.learning_rate)},
          {"searchChecked", coder.search_checked},
          {"searchMissed", coder.search_missed},
          {"validation", metrics_json(coder.validation)},
          {"chosen", coder.chosen},
          {"why", printable(coder.why)},
          {"evaluation", evaluation_json(coder.evaluation)},
          {"training", std::move(training)}};
}

Json checkpoint_json(const CheckpointRow& row) {
  Json losses = Json::array();
  for (const auto& [language, loss] : row.held_out_loss)
    losses.push_back(Json::array({printable(language), number_or_null(loss)}));
  Json coders = Json::array();
  for (const CoderRow& coder : row.coders)
    coders.push_back(coder_json(coder));
  return {{"name", printable(row.name)},
          {"step", number_or_null(row.step)},
          {"tokens", number_or_null(row.tokens)},
          {"heldOutLoss", std::move(losses)},
          {"seconds", number_or_null(row.seconds)},
          {"modelSeconds", number_or_null(row.model_seconds)},
          {"coderSeconds", number_or_null(row.coder_seconds)},
          {"activations", number_or_null(row.activations)},
          {"peakMemory", number_or_null(row.peak_memory)},
          {"coders", std::move(coders)}};
}

} // namespace

Json sae_json(const SaeData& data) {
  Json checkpoints = Json::array();
  for (const CheckpointRow& row : data.checkpoints)
    checkpoints.push_back(checkpoint_json(row));
  return {{"folder", file_name(data.folder)},
          {"program", printable(data.program)},
          {"sampling", printable(data.sampling)},
          {"finished", data.finished},
          {"evaluated", data.evaluated},
          {"text", file_names(data.text)},
          {"evaluationText", file_names(data.evaluation_text)},
          {"planned", data.planned},
          {"documents", data.documents},
          {"activationsInText", data.activations_in_text},
          {"validationActivations", data.validation_activations},
          {"steps", data.steps},
          {"batch", data.batch},
          {"command", "latticelens sae evaluate " + shell_word(data.folder) + " --text TEXT"},
          {"checkpoints", std::move(checkpoints)}};
}

Json sae_key_numbers(const SaeData& data) {
  std::int64_t coders = 0;
  double fvu = absent, dead = absent;
  for (const CheckpointRow& row : data.checkpoints)
    for (const CoderRow& coder : row.coders) {
      ++coders;
      if (!coder.chosen)
        continue;
      fvu = std::fmin(fvu, coder.validation.fvu_dataset); // of a number and NaN, the number
      dead = std::fmax(dead, coder.validation.dead);
    }
  return {{"checkpoints", data.checkpoints.size()},
          {"coders", coders},
          {"fvu_dataset", number_or_null(fvu)},
          {"dead", number_or_null(dead)}};
}

} // namespace latticelens::report
