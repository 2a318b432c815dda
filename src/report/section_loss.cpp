#include "report/blocks.h"
#include "report/chart_dots.h"
#include "report/next_step.h"
#include "report/sections.h"

namespace latticelens::report {
namespace {

Markup evaluations_table(const RunData& run) {
  std::vector<std::vector<Markup>> rows;
  for (const EvaluationRow& row : run.evaluations)
    rows.push_back(
        {file_names(row.text),
         whole(static_cast<std::int64_t>(row.window_loss.size())) + " × " + whole(row.window),
         fixed(row.perplexity, 2), fixed(row.original_perplexity, 2), fixed(row.mean_loss, 4),
         fixed(row.mean_loss - row.original_mean_loss, 4), fixed(row.kl, 4),
         percent(row.top1_agreement)});
  return table("Evaluations of this run",
               {{"text"},
                {"windows × tokens", true},
                {"perplexity", true},
                {"original’s", true},
                {"mean loss", true},
                {"cost", true},
                {"KL divergence", true},
                {"top token agrees", true}},
               rows);
}

Markup window_chart(const std::string& title, const std::vector<double>& values) {
  const Mean mean = mean_of(values);
  if (mean.count == 0)
    return {};
  return dot_chart({.title = title,
                    .description = title + ": mean " + significant(mean.value) +
                                   ", standard error " + significant(mean.standard_error, 2) +
                                   ", over " +
                                   count_of(static_cast<std::int64_t>(mean.count), "window"),
                    .values = values,
                    .label = [](double value) { return trimmed(value, 4); }});
}

Markup window_figure(const EvaluationRow& row) {
  const Markup charts = window_chart("Loss of each window, nats per token", row.window_loss) +
                        window_chart("KL of each window, nats per token", row.window_kl);
  if (charts.empty())
    return {};
  return element("figure", {},
                 element("div", {{"class", "pair"}}, charts) +
                     element("figcaption", {},
                             "Windows of " + file_names(row.text) +
                                 ". The band is the mean ± one standard error over windows: how "
                                 "far another sample of the same text could move it."));
}

Markup finding_of(const EvaluationRow& row) {
  const Mean loss = mean_of(row.window_loss), kl = mean_of(row.window_kl);
  std::string text = "The mean loss is " + significant(row.mean_loss, 4);
  if (known(loss.standard_error))
    text += " ± " + significant(loss.standard_error, 2);
  text += " nats per token";
  if (known(row.kl)) {
    text += ", its divergence from the original " + significant(row.kl, 3);
    if (known(kl.standard_error))
      text += " ± " + significant(kl.standard_error, 2);
  }
  return text + ", over " + count_of(static_cast<std::int64_t>(row.window_loss.size()), "window") +
         ".";
}

} // namespace

Markup loss_section(const View& view) {
  if (view.evaluation == nullptr)
    return section("loss", "Loss", {},
                   missing("No evaluation has been written into this run. This writes one:",
                           evaluate_command(view.run)));
  Markup content = window_figure(*view.evaluation) + evaluations_table(view.run);
  if (!known(view.evaluation->kl))
    content += missing("Divergence from the original has not been measured. This measures it:",
                       evaluate_command(view.run));
  return section("loss", "Loss", finding_of(*view.evaluation), content);
}

} // namespace latticelens::report
