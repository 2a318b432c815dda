#include "cli/metrics.h"

#include "core/files.h"
#include <cmath>

namespace latticelens {
namespace {

Json counts_json(const ActivationCounts& counts) {
  return {{"values", counts.values},
          {"clipped", counts.snap.clipped},
          {"not_finite", counts.snap.not_finite}};
}

} // namespace

Json evaluation_json(const TextOptions& text, const Evaluation& evaluation) {
  Json json = {{"text", text.files},
               {"window", text.window},
               {"perplexity", evaluation.perplexity},
               {"mean_nll", evaluation.mean_loss},
               {"windows", evaluation.window_loss}};
  if (evaluation.divergence) {
    json["original_mean_nll"] = evaluation.divergence->original_mean_loss;
    json["original_perplexity"] = std::exp(evaluation.divergence->original_mean_loss);
    json["kl"] = evaluation.divergence->kl;
    json["top1_agreement"] = evaluation.divergence->top1_agreement;
    json["window_kl"] = evaluation.divergence->window_kl;
  }
  return json;
}

Json metrics_json(const std::string& path, const std::string& against, const OpenedModel& opened,
                  const Json& measured) {
  Json json = {{"model", path}, {"device", opened.model.device.str()}};
  if (!opened.method.empty())
    json["method"] = opened.method;
  if (!against.empty())
    json["against"] = against;
  json.update(measured);
  if (opened.activations.format || opened.activations.kv)
    json["activations"] = counts_json(*opened.activations.counts);
  return json;
}

void keep_metrics(const std::filesystem::path& run, const char* event, const Json& json) {
  Json row = json;
  row["event"] = event;
  append_line(run / "metrics.jsonl", to_text(row));
}

} // namespace latticelens
