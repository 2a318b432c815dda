#include "report/blocks.h"
#include "report/chart_lines.h"
#include "report/method_words.h"
#include "report/next_step.h"
#include "report/sections.h"
#include <algorithm>

namespace latticelens::report {
namespace {

constexpr std::size_t worst_rows = 10;

struct Panel {
  std::string title, color_class;
  std::vector<double> chosen, nearest;
};

Panel panel_of(const LayerTable& table, std::size_t kind) {
  Panel panel{table.kinds[kind].label, "c" + std::to_string(table.kinds[kind].color), {}, {}};
  for (std::int64_t layer = 0; layer < table.layers; ++layer) {
    const Sums* sums = table.find(kind, layer);
    panel.chosen.push_back(sums != nullptr ? sums->relative_error() : absent);
    panel.nearest.push_back(sums != nullptr ? sums->relative_nearest() : absent);
  }
  return panel;
}

Panel panel_of_all(const LayerTable& table) {
  Panel panel{"all linears of a layer", "ink", {}, {}};
  for (std::int64_t layer = 0; layer < table.layers; ++layer) {
    const Sums sums = table.of_layer(layer);
    panel.chosen.push_back(sums.relative_error());
    panel.nearest.push_back(sums.relative_nearest());
  }
  return panel;
}

/// Without moments the two are the same rounding; a second line on the first would only hide it.
bool shows_nearest(const View& view) {
  return view.layers.of_outputs && !rounds_to_nearest(view.run.method);
}

Markup panel_chart(const View& view, const Panel& panel, Extent extent, bool with_notes) {
  LineChart chart{.title = panel.title,
                  .description = "Relative error of " + panel.title + " over layers",
                  .spacing = Spacing::logarithmic,
                  .extent = extent,
                  .label = [](double value) { return trimmed_percent(value); }};
  if (shows_nearest(view))
    chart.lines.push_back({"nearest", "dashed soft", panel.nearest, with_notes ? "nearest" : ""});
  chart.lines.push_back({"chosen", panel.color_class, panel.chosen,
                         with_notes && shows_nearest(view) ? "chosen" : "", true});
  const Extent range = extent_of(panel.chosen, Spacing::linear);
  chart.description += ": " + percent(range.low, 2) + " to " + percent(range.high, 2);
  return line_chart(chart);
}

Markup small_multiples(const View& view) {
  std::vector<Panel> panels;
  if (view.layers.kinds.size() > 1)
    panels.push_back(panel_of_all(view.layers));
  for (std::size_t kind = 0; kind < view.layers.kinds.size(); ++kind)
    panels.push_back(panel_of(view.layers, kind));
  std::vector<double> values;
  for (const Panel& panel : panels) {
    values.insert(values.end(), panel.chosen.begin(), panel.chosen.end());
    if (shows_nearest(view))
      values.insert(values.end(), panel.nearest.begin(), panel.nearest.end());
  }
  const Extent extent = extent_of(values, Spacing::logarithmic);
  Markup charts;
  for (std::size_t i = 0; i < panels.size(); ++i)
    charts += panel_chart(view, panels[i], extent, i == 0);
  std::string caption =
      view.layers.of_outputs
          ? "Squared error of each linear’s output over the calibration tokens, as a share of the "
            "output’s energy. Logarithmic, the same axis in every panel."
          : "Squared error of each linear’s weights as a share of their energy (there was no "
            "calibration text, so the outputs are not known). Logarithmic, the same axis in every "
            "panel.";
  if (shows_nearest(view))
    caption += " Solid: the chosen rounding. Dashed: each weight to its nearest level.";
  return element("figure", {},
                 element("div", {{"class", "multiples"}}, charts) +
                     element("figcaption", {}, caption));
}

struct Ranked {
  const LinearRow* row;
  Sums sums;
};

std::vector<Ranked> worst_of(const View& view) {
  std::vector<Ranked> ranked;
  for (const LinearRow& row : view.run.linears)
    if (const Sums sums = sums_of(row, view.layers.of_outputs); known(sums.relative_error()))
      ranked.push_back({&row, sums});
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return a.sums.relative_error() > b.sums.relative_error();
  });
  ranked.resize(std::min(ranked.size(), worst_rows));
  return ranked;
}

Markup worst_table(const View& view) {
  const bool nearest = shows_nearest(view);
  std::vector<Column> columns = {
      {"linear"}, {"shape", true}, {"relative error", true}, {"clipped", true}};
  if (nearest)
    columns.insert(columns.end() - 1, {{"nearest", true}, {"of nearest’s", true}});
  std::vector<std::vector<Markup>> rows;
  for (const auto& [row, sums] : worst_of(view)) {
    std::vector<Markup>& cells = rows.emplace_back();
    cells = {"layer " + std::to_string(row->layer) + ", " + row->linear,
             whole(row->outputs) + " × " + whole(row->inputs), percent(sums.relative_error(), 2)};
    if (nearest) {
      cells.push_back(percent(sums.relative_nearest(), 2));
      cells.push_back(percent(sums.error / sums.nearest_error, 2));
    }
    cells.push_back(percent(sums.clipped_share(), 2));
  }
  return table(count_of(static_cast<std::int64_t>(rows.size()), "linear") +
                   " with the largest relative error",
               columns, rows);
}

Markup finding_of(const View& view) {
  const std::vector<Ranked> worst = worst_of(view);
  std::string text;
  if (shows_nearest(view))
    text = "In the median linear the chosen rounding leaves " +
           percent(median_of_nearest(view.run), 2) +
           " of the output error of rounding to nearest. ";
  if (!worst.empty())
    text += "The worst linear is " + worst[0].row->linear + " of layer " +
            std::to_string(worst[0].row->layer) + ", with a relative error of " +
            percent(worst[0].sums.relative_error(), 2) + ".";
  return text;
}

} // namespace

Markup layers_section(const View& view) {
  if (!view.layers.has_rows)
    return section("layers", "Error per layer", {},
                   missing("No block has been quantized yet. This quantizes them:",
                           quantize_command(view.run)));
  return section("layers", "Error per layer", finding_of(view),
                 small_multiples(view) + worst_table(view));
}

} // namespace latticelens::report
