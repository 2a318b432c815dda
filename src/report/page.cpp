#include "report/page.h"

#include "report/blocks.h"
#include "report/document.h"
#include "report/sections.h"

namespace latticelens::report {
namespace {

Markup navigation(const View& view) {
  std::vector<std::pair<std::string, std::string>> links = {{"done", "What was done"},
                                                            {"loss", "Loss"}};
  if (!view.run.tasks.empty())
    links.emplace_back("tasks", "Questions");
  if (!view.run.learning.empty())
    links.emplace_back("learning", "Learning");
  links.emplace_back("layers", "Error per layer");
  if (view.layers.has_rows) {
    if (!certificates_section(view).empty())
      links.emplace_back("certificates", "How far from the best");
    links.emplace_back("share", "Where the loss sits");
    links.emplace_back("scales", "Scales and clipping");
  }
  links.emplace_back("time", "Time and memory");
  if (!view.compared.empty())
    links.emplace_back("compare", "Beside other runs");
  Markup items;
  for (const auto& [id, name] : links)
    items += element("li", {}, element("a", {{"href", "#" + id}}, name));
  return element("nav", {{"aria-label", "Sections"}}, element("ul", {}, items));
}

Markup body_of(const View& view) {
  const Markup skip = element("a", {{"class", "skip"}, {"href", "#content"}}, "Skip to the report");
  const Markup sections = done_section(view) + loss_section(view) + tasks_section(view) +
                          learning_section(view) + layers_section(view) +
                          certificates_section(view) + share_section(view) + scales_section(view) +
                          time_section(view) + compare_section(view);
  return element("body", {},
                 skip +
                     element("main", {{"id", "content"}},
                             verdict_section(view) + navigation(view) + sections) +
                     element("footer", {},
                             "Written by latticelens report. Losses are in nats per token, "
                             "natural logarithms throughout."));
}

Json number_or_null(double value) {
  return known(value) ? Json(value) : Json(nullptr);
}

Json count_or_null(double value) {
  return known(value) ? Json(static_cast<std::int64_t>(value)) : Json(nullptr);
}

} // namespace

std::string run_page(const RunData& run, const std::vector<RunData>& compared) {
  const View view = make_view(run, compared);
  return document(model_name(run) + ", " + method_name(run) + " – LatticeLens report",
                  body_of(view));
}

Json key_numbers(const RunData& run) {
  const LayerTable layers = layer_table(run);
  const Sums total = layers.total();
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
          {"error_of", layers.of_outputs ? "outputs" : "weights"},
          {"relative_error", number_or_null(total.relative_error())},
          {"relative_nearest_error", number_or_null(total.relative_nearest())},
          {"median_relative_error", number_or_null(median_relative_error(run, layers.of_outputs))},
          {"clipped_share", number_or_null(total.clipped_share())},
          {"not_finite_activations", not_finite_activations(run)},
          {"seconds", number_or_null(run.seconds)},
          {"peak_memory", count_or_null(run.peak_memory)},
          {"model_bytes", count_or_null(run.model_bytes)}};
}

} // namespace latticelens::report
