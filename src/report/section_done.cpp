#include "report/blocks.h"
#include "report/method_words.h"
#include "report/next_step.h"
#include "report/sections.h"

namespace latticelens::report {
namespace {

using Facts = std::vector<std::pair<Markup, Markup>>;

void add(Facts& facts, const std::string& name, const std::string& value) {
  if (!value.empty())
    facts.emplace_back(name, value);
}

void add_model(Facts& facts, const RunData& run) {
  if (!run.model)
    return;
  const ModelFacts& model = *run.model;
  add(facts, "Model", model_name(run));
  std::string shape = count_of(model.layers, "block") + ", width " + whole(model.hidden) +
                      ", MLP " + whole(model.intermediate) + ", vocabulary " +
                      whole(model.vocabulary);
  add(facts, "Shape",
      model.family + ": " + shape + (model.tied ? ", head tied to the embedding" : ""));
}

void add_calibration(Facts& facts, const RunData& run) {
  if (!run.calibration || run.calibration->windows == 0) {
    add(facts, "Calibration", "none: no text was used");
    return;
  }
  const CalibrationFacts& calibration = *run.calibration;
  add(facts, "Calibration",
      count_of(calibration.windows, "window") + " of " + count_of(calibration.window, "token") +
          " from " + file_names(calibration.files));
  if (calibration.dropped_bytes > 0)
    add(facts, "Left out",
        count_of(calibration.dropped_bytes, "byte") + " of the text have no token");
}

void add_weights(Facts& facts, const View& view) {
  if (view.layers.has_rows)
    add(facts, "Quantized",
        whole(view.layers.total().weights) + " weights in " +
            count_of(static_cast<std::int64_t>(view.run.linears.size()), "linear"));
  if (known(view.run.model_bytes))
    add(facts, "Model folder", size_text(view.run.model_bytes));
}

Facts facts_of(const View& view) {
  const RunData& run = view.run;
  Facts facts;
  add_model(facts, run);
  add_weights(facts, view);
  add(facts, "Everything else", run.dtype);
  add_calibration(facts, run);
  add(facts, "Calibration in",
      run.calibration && run.calibration->windows > 0 ? run.calibration_dtype : std::string());
  add(facts, "Seed", run.seed);
  add(facts, "Program", run.program);
  add(facts, "LibTorch", run.libtorch);
  if (run.threads > 0)
    add(facts, "Threads", whole(run.threads));
  return facts;
}

Markup method_part(const RunData& run) {
  Facts words;
  for (const MethodWord& word : explained(run.method))
    words.emplace_back(code(word.word), word.meaning);
  if (words.empty())
    return paragraph("The run does not say which method it used.");
  return definitions(words);
}

} // namespace

Markup done_section(const View& view) {
  const Markup method =
      element("div", {}, element("h3", {}, "Method, word by word") + method_part(view.run));
  const Markup facts =
      element("div", {}, element("h3", {}, "The run") + definitions(facts_of(view)));
  const Markup again = element("details", {},
                               element("summary", {}, "The command that makes this run again") +
                                   command_block(quantize_command(view.run)));
  return section("done", "What was done", {},
                 element("div", {{"class", "two-columns"}}, method + facts) + again);
}

} // namespace latticelens::report
