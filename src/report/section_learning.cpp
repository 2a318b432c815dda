// What steps of learning did to the loss: a chart for each thing that was learned.
#include "report/blocks.h"
#include "report/chart_curves.h"
#include "report/chart_lines.h"
#include "report/sections.h"
#include <algorithm>

namespace latticelens::report {
namespace {

/// All rows of one learning.
struct Learning {
  std::string name;
  std::vector<Place> losses, held_out; // by step
  std::vector<double> before, after;   // by layer
};

std::vector<Learning> learnings_of(const RunData& run) {
  std::vector<Learning> learnings;
  for (const LearningRow& row : run.learning) {
    if (learnings.empty() || learnings.back().name != row.learns)
      learnings.push_back({.name = row.learns});
    Learning& learning = learnings.back();
    const auto step = static_cast<double>(row.step);
    if (known(row.loss))
      learning.losses.push_back({step, row.loss});
    if (known(row.held_out))
      learning.held_out.push_back({step, row.held_out});
    if (known(row.before)) {
      const auto length = static_cast<std::size_t>(row.layer) + 1;
      learning.before.resize(std::max(learning.before.size(), length), absent);
      learning.after.resize(learning.before.size(), absent);
      learning.before[row.layer] = row.before;
      learning.after[row.layer] = row.after;
    }
  }
  return learnings;
}

Markup steps_figure(const Learning& learning) {
  const CurveChart chart{.title = "learn=" + learning.name + ": loss over steps",
                         .description =
                             "Loss of each of " +
                             count_of(static_cast<std::int64_t>(learning.losses.size()), "step") +
                             " of learn=" + learning.name + ", and on tokens held out",
                         .x_title = "step",
                         .y_title = "nats per token",
                         .curves = {{"each step’s own tokens", "c0", learning.losses},
                                    {"tokens held out", "c1", learning.held_out}},
                         .x_label = [](double value) { return whole(std::llround(value)); },
                         .y_label = [](double value) { return trimmed(value, 4); }};
  return figure("learning-" + learning.name, curve_chart(chart),
                "The loss is that of learning (docs/learned.md), on the calibration text. A step’s "
                "tokens differ from the next one’s; those held out are the same before and after. "
                "What is said of layers below is of the rounding before codes were learned.");
}

Markup blocks_figure(const Learning& learning) {
  std::vector<double> all = learning.before;
  all.insert(all.end(), learning.after.begin(), learning.after.end());
  const LineChart chart{.title = "learn=" + learning.name + ": error of each block’s output",
                        .description = "Error of each block’s output before and after learning",
                        .lines = {{"before", "soft", learning.before, "before"},
                                  {"after", "c0", learning.after, "after", true}},
                        .spacing = Spacing::logarithmic,
                        .extent = extent_of(all, Spacing::logarithmic),
                        .label = [](double value) { return trimmed(value); },
                        .width = 720,
                        .height = 240};
  return figure(
      "learning-" + learning.name, line_chart(chart),
      "Mean squared error on tokens that no step saw. A block’s start depends on what was "
      "learned of the blocks before it.");
}

std::string finding_of(const Learning& learning) {
  if (learning.held_out.size() < 2)
    return {};
  return "learn=" + learning.name + " took the loss on tokens held out from " +
         significant(learning.held_out.front().y) + " to " +
         significant(learning.held_out.back().y) + " nats per token.";
}

} // namespace

Markup learning_section(const View& view) {
  Markup charts;
  std::string finding;
  for (const Learning& learning : learnings_of(view.run)) {
    charts += learning.losses.empty() ? blocks_figure(learning) : steps_figure(learning);
    const std::string own = finding_of(learning);
    finding += (finding.empty() || own.empty() ? "" : " ") + own;
  }
  return charts.empty() ? Markup() : section("learning", "Learning", finding, charts);
}

} // namespace latticelens::report
