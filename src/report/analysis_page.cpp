#include "report/analysis_page.h"

#include "report/blocks.h"
#include "report/chart_curves.h"
#include "report/chart_histogram.h"
#include "report/document.h"
#include "report/view.h"
#include <algorithm>
#include <cmath>

namespace latticelens::report {
namespace {

/// Rotations have the same colour on the whole page.
std::string class_of(const std::string& name, std::size_t index) {
  if (name == "none")
    return "ink";
  if (name == "full")
    return "c6";
  if (name == "block")
    return "c2";
  constexpr int order[] = {0, 6, 2, 4, 3, 5, 1, 7};
  return "c" + std::to_string(order[index % std::size(order)]);
}

std::string rotation_words(const std::string& name) {
  return name == "none"    ? "no rotation"
         : name == "full"  ? "full rotation"
         : name == "block" ? "block rotation"
                           : name;
}

/// Powers of ten that would be long as decimals are short as powers.
std::string axis_text(double value) {
  const double exponent = std::log10(value);
  if (value > 0 && std::abs(exponent) > 3.5 && std::abs(exponent - std::round(exponent)) < 1e-9)
    return power_of_ten(std::llround(exponent));
  return trimmed(value, 3);
}

Markup drawn(const CurvesPicture& picture) {
  CurveChart chart{.title = picture.title,
                   .description = picture.title + ": " + picture.y + " by " + picture.x,
                   .x_title = picture.x,
                   .y_title = picture.y,
                   .x_spacing = picture.x_logarithmic ? Spacing::logarithmic : Spacing::linear,
                   .y_spacing = picture.y_logarithmic ? Spacing::logarithmic : Spacing::linear,
                   .x_label = axis_text,
                   .y_label = axis_text};
  for (const auto& [name, points] : picture.curves) {
    NumberCurve curve{rotation_words(name), class_of(name, chart.curves.size()), {}};
    for (const auto& [x, y] : points)
      curve.points.push_back({x, y});
    chart.curves.push_back(std::move(curve));
  }
  return figure(chart.description, curve_chart(chart), picture.caption);
}

Markup drawn(const ExponentsPicture& picture) {
  HistogramChart chart{.description = picture.title, .unit = "blocks"};
  for (const auto& [name, counts] : picture.rows) {
    HistogramRow row{.name = rotation_words(name),
                     .style_class = class_of(name, chart.rows.size()),
                     .counts = counts};
    if (!counts.empty())
      row.note = "median " + power_of_two(median_of(counts)) + ", up to " +
                 power_of_two(counts.rbegin()->first);
    chart.rows.push_back(std::move(row));
  }
  return element("h3", {}, picture.title) +
         figure(picture.title, histogram_chart(chart), picture.caption);
}

Markup drawn(const TablePicture& picture) {
  std::vector<Column> columns;
  for (const std::string& name : picture.columns)
    columns.push_back({name, !columns.empty()});
  std::vector<std::vector<Markup>> rows;
  for (const auto& cells : picture.rows) {
    rows.emplace_back();
    for (const auto& cell : cells)
      rows.back().push_back(std::holds_alternative<std::string>(cell)
                                ? rotation_words(std::get<std::string>(cell))
                                : significant(std::get<double>(cell)));
  }
  return element("figure", {},
                 table(picture.title, columns, rows) + element("figcaption", {}, picture.caption));
}

Markup section_of(const AnalysisEntry& entry) {
  Markup content =
      paragraph(element("strong", {}, "The paper, " + entry.source + ": ") + Markup(entry.claim));
  content +=
      paragraph(element("strong", {}, "Here " + entry.verdict + ". ") + Markup(entry.sentence));
  for (const Picture& picture : entry.pictures)
    content += std::visit([](const auto& one) { return drawn(one); }, picture);
  return section(entry.name, entry.title, {}, content);
}

Markup overview(const AnalysisData& data) {
  std::vector<std::vector<Markup>> rows;
  for (const AnalysisEntry& entry : data.analyses)
    rows.push_back({element("a", {{"href", "#" + entry.name}}, entry.title), entry.source,
                    entry.verdict, entry.sentence});
  return table("What the paper claims, on this model",
               {{"analysis"}, {"of the paper"}, {"claim is"}, {"because"}}, rows);
}

std::int64_t counted(const AnalysisData& data, const char* verdict) {
  return std::count_if(data.analyses.begin(), data.analyses.end(),
                       [&](const AnalysisEntry& entry) { return entry.verdict == verdict; });
}

std::string summary(const AnalysisData& data) {
  const std::int64_t open = counted(data, "not decidable");
  std::string text = "Of " + count_of(static_cast<std::int64_t>(data.analyses.size()), "claim") +
                     " about rotations and " + data.format + ", this model supports " +
                     whole(counted(data, "supported")) + " and refutes " +
                     whole(counted(data, "refuted"));
  return text + (open > 0 ? "; " + whole(open) + " cannot be decided on it." : ".");
}

Markup facts(const AnalysisData& data) {
  std::vector<std::pair<Markup, Markup>> rows = {{"model", data.model}};
  if (data.of == "weights")
    rows.emplace_back("looked at", "up to " + whole(data.rows) + " rows of each of " +
                                       count_of(data.samples, "weight") + " in " +
                                       count_of(data.layers, "layer"));
  else {
    rows.emplace_back("looked at", "up to " + whole(data.rows) + " tokens at each of " +
                                       count_of(data.samples, "input") + " of linears in " +
                                       count_of(data.layers, "layer"));
    rows.emplace_back("text", file_names(data.text) + ", " + count_of(data.windows, "window") +
                                  " of " + whole(data.window) + " tokens");
  }
  rows.emplace_back("norms’ gains", data.gains == "kept"
                                        ? "kept in the inputs, as the model has them"
                                        : "folded into the weights, as in every model whose "
                                          "stream is rotated");
  rows.emplace_back("outliers", "the largest " + trimmed_percent(data.outlier_share) +
                                    " of an input’s magnitudes; a block with one is an outlier "
                                    "block, the others are regular");
  rows.emplace_back("rotations", "random Hadamard matrices over the whole width (full) and over "
                                 "each block of the format (block)");
  rows.emplace_back("time",
                    time_text(data.seconds) + ", peak memory " + size_text(data.peak_memory));
  return definitions(rows);
}

} // namespace

std::string analysis_page(const AnalysisData& data) {
  Markup sections;
  for (const AnalysisEntry& entry : data.analyses)
    sections += section_of(entry);
  const Markup header =
      element("header", {},
              paragraph("LatticeLens analysis", "eyebrow") +
                  element("h1", {},
                          file_name(data.model) +
                              element("span", {{"class", "soft"}}, ", " + data.format)) +
                  paragraph(summary(data), "verdict") + facts(data));
  const Markup body = element(
      "body", {},
      element("a", {{"class", "skip"}, {"href", "#content"}}, "Skip to the report") +
          element("main", {{"id", "content"}},
                  header + section("overview", "Overview", {}, overview(data)) + sections) +
          element("footer", {},
                  "Written by latticelens analyse. The claims are those of “Block Rotation is the "
                  "Cure of MXFP4 Quantization”; verdicts are about this model’s tensors, not about "
                  "its perplexity."));
  return document(file_name(data.model) + " – LatticeLens analysis", body);
}

} // namespace latticelens::report
