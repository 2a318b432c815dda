#include "report/blocks.h"
#include "report/method_words.h"
#include "report/next_step.h"
#include "report/sections.h"

namespace latticelens::report {
namespace {

std::string loss_sentence(const EvaluationRow& row, const std::string& parts) {
  const double cost = row.mean_loss - row.original_mean_loss;
  const std::string change =
      cost >= 0 ? " cost " + significant(cost, 2) + " nats per token"
                : " lower the loss by " + significant(-cost, 2) + " nats per token";
  std::string text = parts + change + ": perplexity " + significant(row.original_perplexity) +
                     " → " + significant(row.perplexity);
  if (known(row.top1_agreement))
    text += ", " + percent(row.top1_agreement, 2) + " of top tokens agree";
  return text + ".";
}

std::string divergence_sentence(const EvaluationRow& row, const std::string& parts) {
  return parts + " move the predictions by " + significant(row.kl, 2) +
         " nats per token (KL divergence from the original): perplexity " +
         significant(row.perplexity) + ", " + percent(row.top1_agreement, 2) +
         " of top tokens agree.";
}

std::string unfinished_sentence(const View& view) {
  std::string text = "This run is not finished";
  if (view.run.model && view.run.model->layers > 0)
    text += ": " + whole(view.layers.layers) + " of " + count_of(view.run.model->layers, "block") +
            " quantized";
  return text + ".";
}

Markup gap(const View& view) {
  if (!view.run.finished)
    return missing("The same command continues it:", quantize_command(view.run));
  if (view.evaluation == nullptr)
    return missing("No evaluation yet. This measures the loss:", evaluate_command(view.run));
  if (!known(view.evaluation->original_mean_loss))
    return missing("What the original itself reaches on this text is not recorded, so the cost in "
                   "loss is unknown. This records it:",
                   evaluate_command(view.run));
  return {};
}

Markup alarm(const View& view) {
  const std::int64_t count = not_finite_activations(view.run);
  if (count == 0)
    return {};
  return element("p", {{"class", "alarm"}, {"role", "alert"}},
                 count_of(count, "activation") +
                     " came out as NaN or infinite. The numbers on this page mean little until "
                     "that is understood.");
}

Markup tile(const std::string& name, const std::string& value, const std::string& note) {
  return element("div", {},
                 element("dt", {}, name) + element("dd", {{"class", "figure"}}, value) +
                     element("dd", {{"class", "note"}}, note));
}

Markup loss_tiles(const EvaluationRow& row) {
  const bool paired = known(row.original_perplexity);
  Markup tiles = tile("Perplexity", fixed(row.perplexity, 2),
                      paired ? "original " + fixed(row.original_perplexity, 2)
                             : fixed(row.mean_loss, 3) + " nats per token");
  if (!known(row.kl))
    return tiles;
  tiles += tile("KL divergence", fixed(row.kl, 3), "nats per token");
  return tiles + tile("Top token agrees", percent(row.top1_agreement), "with the original");
}

Markup tiles_of(const View& view) {
  Markup tiles;
  if (view.evaluation != nullptr)
    tiles += loss_tiles(*view.evaluation);
  if (view.layers.has_rows)
    tiles += tile(view.layers.of_outputs ? "Median output error" : "Median weight error",
                  percent(median_relative_error(view.run, view.layers.of_outputs), 2),
                  view.layers.of_outputs && !rounds_to_nearest(view.run.method)
                      ? percent(median_of_nearest(view.run), 2) + " of nearest’s"
                      : "of the energy");
  if (known(view.run.model_bytes))
    tiles += tile("Model folder", size_text(view.run.model_bytes), "packed");
  if (known(view.run.seconds))
    tiles +=
        tile("Time", time_text(view.run.seconds), "peak memory " + size_text(view.run.peak_memory));
  return tiles.empty() ? Markup() : element("dl", {{"class", "tiles"}}, tiles);
}

} // namespace

std::string verdict(const View& view) {
  const std::string parts = quantized_parts(view.run.method);
  if (!view.run.finished)
    return unfinished_sentence(view);
  if (view.evaluation == nullptr)
    return parts + "; what they cost has not been measured yet.";
  const EvaluationRow& row = *view.evaluation;
  if (!known(row.mean_loss) || !known(row.perplexity))
    return parts + " broke the model: its loss is not a number.";
  if (known(row.original_mean_loss) && known(row.original_perplexity))
    return loss_sentence(row, parts);
  if (known(row.kl))
    return divergence_sentence(row, parts);
  return parts + " reach perplexity " + significant(row.perplexity) + " on " +
         file_names(row.text) + ".";
}

Markup verdict_section(const View& view) {
  return element("header", {},
                 paragraph("LatticeLens report", "eyebrow") +
                     element("h1", {},
                             model_name(view.run) + element("span", {{"class", "soft"}},
                                                            ", " + method_name(view.run))) +
                     alarm(view) + paragraph(verdict(view), "verdict") + tiles_of(view) +
                     gap(view));
}

} // namespace latticelens::report
