#include "report/blocks.h"
#include "report/chart_bars.h"
#include "report/chart_heat_map.h"
#include "report/sections.h"

namespace latticelens::report {
namespace {

double share(double part, double all) {
  return all > 0 ? part / all : absent;
}

Markup share_bars(const LayerTable& layers) {
  const Sums total = layers.total();
  BarChart chart{.description = "Share of the total squared error by kind of linear",
                 .width = 720,
                 .name_width = 110};
  for (std::size_t kind = 0; kind < layers.kinds.size(); ++kind) {
    const Sums sums = layers.of_kind(kind);
    const double error = share(sums.error, total.error),
                 weights =
                     share(static_cast<double>(sums.weights), static_cast<double>(total.weights));
    chart.bars.push_back(
        {layers.kinds[kind].label,
         percent(error, 2) + " of the error, " + percent(weights, 2) + " of the weights",
         "c" + std::to_string(layers.kinds[kind].color),
         layers.kinds[kind].name + ": " + percent(error), error, weights});
    chart.description += "; " + layers.kinds[kind].label + " " + percent(error, 2);
  }
  return bar_chart(chart);
}

HeatMap error_map(const LayerTable& layers) {
  HeatMap map{.description = "Relative error of every linear, layer by kind",
              .legend = "relative error",
              .columns = static_cast<std::size_t>(layers.layers),
              .label = [](double value) { return percent(value, 2); }};
  for (std::size_t kind = 0; kind < layers.kinds.size(); ++kind) {
    map.rows.push_back(layers.kinds[kind].label);
    std::vector<double>& row = map.values.emplace_back();
    for (std::int64_t layer = 0; layer < layers.layers; ++layer) {
      const Sums* sums = layers.find(kind, layer);
      row.push_back(sums != nullptr ? sums->relative_error() : absent);
    }
  }
  return map;
}

Markup finding_of(const LayerTable& layers) {
  const Sums total = layers.total();
  std::size_t first = 0;
  for (std::size_t kind = 1; kind < layers.kinds.size(); ++kind)
    if (layers.of_kind(kind).error > layers.of_kind(first).error)
      first = kind;
  const Sums sums = layers.of_kind(first);
  if (!(total.error > 0))
    return "Nothing was lost: every error is zero.";
  return layers.kinds[first].label + " holds " + percent(sums.error / total.error, 2) +
         " of the squared error with " +
         percent(share(static_cast<double>(sums.weights), static_cast<double>(total.weights)), 2) +
         " of the weights.";
}

} // namespace

Markup share_section(const View& view) {
  if (!view.layers.has_rows)
    return {};
  const Markup bars = figure("Share of the error by kind of linear", share_bars(view.layers),
                             "Bar: share of the total squared error. Line: share of the weights; a "
                             "bar beyond it loses more than its part. Kinds whose outputs are "
                             "large weigh more in this sum; the map below does without it.");
  const Markup map =
      figure("Relative error, layer by kind of linear", heat_map(error_map(view.layers)),
             "Each cell is one linear: its error as a share of its own energy. The "
             "colours’ steps are equal factors.");
  return section("share", "Where the loss sits", finding_of(view.layers), bars + map);
}

} // namespace latticelens::report
