#include "report/blocks.h"
#include "report/chart_bars.h"
#include "report/chart_heat_map.h"
#include "report/chart_histogram.h"
#include "report/sections.h"

namespace latticelens::report {
namespace {

std::string note_of(const std::map<int, std::int64_t>& counts) {
  return "median " + power_of_two(median_of(counts)) + ", " + power_of_two(counts.begin()->first) +
         " to " + power_of_two(counts.rbegin()->first);
}

Markup exponents_chart(const LayerTable& layers) {
  HistogramChart chart{.description = "Histogram of the scales’ exponents by kind of linear",
                       .unit = "scales"};
  const auto add = [&](const std::string& name, const std::string& color, const Sums& sums) {
    if (sums.scale_exponents.empty())
      return;
    chart.rows.push_back({name, note_of(sums.scale_exponents), color, sums.scale_exponents});
    chart.description += "; " + name + ": " + note_of(sums.scale_exponents);
  };
  for (std::size_t kind = 0; kind < layers.kinds.size(); ++kind)
    add(layers.kinds[kind].label, "c" + std::to_string(layers.kinds[kind].color),
        layers.of_kind(kind));
  if (layers.kinds.size() > 1)
    add("all", "ink", layers.total());
  if (chart.rows.empty())
    return {};
  return figure("Histogram of scale exponents", histogram_chart(chart),
                "Each block of weights shares one power-of-two scale. Height: share of the kind’s "
                "blocks. A wide row needs a wide range of scales.");
}

Markup clipped_bars(const LayerTable& layers) {
  BarChart chart{
      .description = "Share of clipped weights by kind of linear", .width = 720, .name_width = 110};
  for (std::size_t kind = 0; kind < layers.kinds.size(); ++kind) {
    const Sums sums = layers.of_kind(kind);
    chart.bars.push_back({layers.kinds[kind].label, percent(sums.clipped_share(), 3),
                          "c" + std::to_string(layers.kinds[kind].color),
                          count_of(sums.clipped, "clipped weight"), sums.clipped_share()});
    chart.description += "; " + layers.kinds[kind].label + " " + percent(sums.clipped_share(), 3);
  }
  return figure("Clipped weights by kind", bar_chart(chart),
                "Weights beyond the largest level of their block, by kind.");
}

Markup clipped_map(const LayerTable& layers) {
  HeatMap map{.description = "Share of clipped weights of every linear, layer by kind",
              .legend = "clipped weights",
              .columns = static_cast<std::size_t>(layers.layers),
              .spacing = Spacing::linear,
              .label = [](double value) { return percent(value, 2); }};
  for (std::size_t kind = 0; kind < layers.kinds.size(); ++kind) {
    map.rows.push_back(layers.kinds[kind].label);
    std::vector<double>& row = map.values.emplace_back();
    for (std::int64_t layer = 0; layer < layers.layers; ++layer) {
      const Sums* sums = layers.find(kind, layer);
      row.push_back(sums != nullptr ? sums->clipped_share() : absent);
    }
  }
  return figure("Clipped weights, layer by kind", heat_map(map),
                "The same for every linear. The colours’ steps are equal differences.");
}

void add_counts(std::vector<std::vector<Markup>>& rows, const std::string& where,
                const std::optional<ActivationCounts>& counts) {
  if (!counts || counts->values == 0)
    return;
  const double clipped = static_cast<double>(counts->clipped) / static_cast<double>(counts->values);
  rows.push_back({where, whole(counts->values), whole(counts->clipped), percent(clipped),
                  counts->not_finite > 0
                      ? element("strong", {{"class", "bad"}}, whole(counts->not_finite))
                      : Markup("0")});
}

Markup activations_table(const RunData& run) {
  std::vector<std::vector<Markup>> rows;
  add_counts(rows, "calibration", run.calibration_activations);
  for (const EvaluationRow& row : run.evaluations)
    add_counts(rows, "evaluation on " + file_names(row.text), row.activations);
  if (rows.empty())
    return paragraph("No activation was quantized where they were counted.");
  return table(
      "Quantized activations",
      {{"where"}, {"values", true}, {"clipped", true}, {"share", true}, {"NaN or infinite", true}},
      rows);
}

} // namespace

Markup scales_section(const View& view) {
  if (!view.layers.has_rows)
    return {};
  const Sums total = view.layers.total();
  const std::string finding = percent(total.clipped_share()) +
                              " of the weights are clipped: " + whole(total.clipped) + " of " +
                              whole(total.weights) + ".";
  return section("scales", "Scales and clipping", finding,
                 exponents_chart(view.layers) + clipped_bars(view.layers) +
                     clipped_map(view.layers) + activations_table(view.run));
}

} // namespace latticelens::report
