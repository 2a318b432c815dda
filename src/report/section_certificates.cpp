// How far the rounding is from the best possible one: bounds above and below, and the profile of
// the lattice.
#include "report/blocks.h"
#include "report/chart_lines.h"
#include "report/sections.h"
#include <algorithm>
#include <cmath>

namespace latticelens::report {
namespace {

/// Sums of one kind over layers, or of a layer over kinds: shares of the outputs' energy.
struct Bounds {
  double error = 0, lower_bound = 0, expected = 0, sphere = 0, rate_bound = 0, energy = 0;
  void add(const LinearRow& row) {
    error += row.certificate->error;
    lower_bound += row.certificate->lower_bound;
    expected += row.certificate->expected;
    sphere += row.certificate->sphere;
    rate_bound += row.certificate->rate_bound;
    energy += row.energy;
  }
};

bool has_certificate(const LinearRow& row) {
  return row.certificate && known(row.certificate->error) && row.energy > 0;
}

/// By layer; layers without a certificate have no energy.
std::vector<Bounds> bounds_of(const View& view, const std::string& kind_name) {
  std::vector<Bounds> bounds(view.layers.layers);
  for (const LinearRow& row : view.run.linears)
    if (has_certificate(row) && (kind_name.empty() || row.linear == kind_name))
      bounds[row.layer].add(row);
  return bounds;
}

std::vector<double> shares(const std::vector<Bounds>& bounds, double Bounds::*which) {
  std::vector<double> values;
  for (const Bounds& layer : bounds)
    values.push_back(layer.energy > 0 ? layer.*which / layer.energy : absent);
  return values;
}

struct Panel {
  std::string title, color_class;
  std::vector<Bounds> bounds;
};

std::vector<Panel> panels_of(const View& view) {
  std::vector<Panel> panels;
  for (const Kind& kind : view.layers.kinds) {
    Panel panel{kind.label, "c" + std::to_string(kind.color), bounds_of(view, kind.name)};
    if (std::any_of(panel.bounds.begin(), panel.bounds.end(),
                    [](const Bounds& layer) { return layer.energy > 0; }))
      panels.push_back(std::move(panel));
  }
  return panels;
}

Markup bounds_chart(const Panel& panel, Extent extent, bool with_notes) {
  LineChart chart{.title = panel.title,
                  .description = "Bounds and the achieved error of " + panel.title + " over layers",
                  .spacing = Spacing::logarithmic,
                  .extent = extent,
                  .label = [](double value) { return trimmed_percent(value); }};
  const auto line = [&](const char* name, const std::string& style, double Bounds::*which,
                        bool below) {
    chart.lines.push_back(
        {name, style, shares(panel.bounds, which), with_notes ? name : "", below});
  };
  line("", "dashed soft", &Bounds::sphere, true); // the caption names it: two notes would overlap
  line("proven", "soft", &Bounds::lower_bound, true);
  line("achieved", panel.color_class, &Bounds::error, false);
  return line_chart(chart);
}

Markup bounds_figure(const std::vector<Panel>& panels) {
  std::vector<double> values;
  for (const Panel& panel : panels)
    for (const auto which : {&Bounds::error, &Bounds::lower_bound, &Bounds::sphere})
      for (const double value : shares(panel.bounds, which))
        values.push_back(value);
  const Extent extent = extent_of(values, Spacing::logarithmic);
  Markup charts;
  for (std::size_t i = 0; i < panels.size(); ++i)
    charts += bounds_chart(panels[i], extent, i == 0);
  return element(
      "figure", {},
      element("div", {{"class", "multiples"}}, charts) +
          element(
              "figcaption", {},
              "Damped squared error of each linear as a share of its output’s energy. Proven: no "
              "choice of codes comes below this with the scales that the run chose; it holds row "
              "by row, but it is loose where the profile is flat. Dashed: what the best possible "
              "rounding to such a lattice leaves on average, nothing clipped. Logarithmic, the "
              "same axis in every panel."));
}

Markup headroom_figure(const View& view) {
  LineChart chart{.title = "Headroom to the rate bound, dB",
                  .description = "Decibels above the rate bound over layers, by kind of linear",
                  .label = [](double value) { return trimmed(value); },
                  .width = 720,
                  .height = 240};
  std::vector<double> all;
  for (const Panel& panel : panels_of(view)) {
    std::vector<double> decibels;
    for (const Bounds& layer : panel.bounds)
      decibels.push_back(layer.energy > 0 && layer.rate_bound > 0
                             ? 10 * std::log10(layer.error / layer.rate_bound)
                             : absent);
    all.insert(all.end(), decibels.begin(), decibels.end());
    chart.lines.push_back({panel.title, panel.color_class, decibels, ""});
  }
  chart.extent = extent_of(all, Spacing::linear);
  return figure("headroom", line_chart(chart),
                "How far the error lies above what any code of as many bits per weight could leave "
                "on average for Gaussian weights (6.02 dB are one bit per weight). One line a kind "
                "of linear, in the colours of the panels above.");
}

/// The linears with the flattest, the middle and the steepest profile.
std::vector<const LinearRow*> telling_profiles(const View& view) {
  std::vector<const LinearRow*> rows;
  for (const LinearRow& row : view.run.linears)
    if (has_certificate(row) && row.certificate->profile.size() > 1)
      rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(), [](const LinearRow* a, const LinearRow* b) {
    return a->certificate->profile_ratio < b->certificate->profile_ratio;
  });
  if (rows.size() > 3)
    rows = {rows.front(), rows[rows.size() / 2], rows.back()};
  return rows;
}

/// "layer 3, down_proj".
std::string short_name(const LinearRow& row) {
  return "layer " + std::to_string(row.layer) + ", " + row.linear.substr(row.linear.rfind('.') + 1);
}

Markup profiles_figure(const View& view) {
  Markup charts;
  std::vector<double> values;
  const std::vector<const LinearRow*> rows = telling_profiles(view);
  for (const LinearRow* row : rows)
    values.insert(values.end(), row->certificate->profile.begin(), row->certificate->profile.end());
  const Extent extent = extent_of(values, Spacing::linear);
  for (const LinearRow* row : rows)
    charts +=
        line_chart({.title = short_name(*row) + ": " + significant(row->certificate->profile_ratio),
                    .description = "log2 of the diagonal of L in the order of rounding",
                    .lines = {{"log₂ L", "plain", row->certificate->profile, ""}},
                    .extent = extent,
                    .label = [](double value) { return trimmed(value); },
                    .position_name = "place in the order (first to last)"});
  if (rows.empty())
    return {};
  return element(
      "figure", {},
      element("div", {{"class", "multiples"}}, charts) +
          element("figcaption", {},
                  "Profiles: log₂ of the diagonal of L in min-pivot order, at 33 places, "
                  "of the flattest, the middle and the steepest linear. The flatter, the "
                  "less Babai’s rule leaves to gain. The number is the arithmetic over the "
                  "geometric mean of the squares: 1 when flat."));
}

Markup finding_of(const View& view) {
  double error = 0, bound = 0;
  std::vector<double> headroom;
  for (const LinearRow& row : view.run.linears)
    if (has_certificate(row)) {
      error += row.certificate->error / row.energy;
      bound += row.certificate->lower_bound / row.energy;
      headroom.push_back(row.certificate->headroom_decibels);
    }
  std::string text =
      "The median linear lies " + significant(median(headroom)) + " dB above the rate bound.";
  if (bound > 0)
    text = "Proven: at most " + significant(error / bound) +
           " times the error of the best choice of codes for these scales. " + text;
  return text;
}

} // namespace

Markup certificates_section(const View& view) {
  const std::vector<Panel> panels = panels_of(view);
  if (panels.empty())
    return {};
  return section("certificates", "How far from the best", finding_of(view),
                 bounds_figure(panels) + headroom_figure(view) + profiles_figure(view));
}

} // namespace latticelens::report
