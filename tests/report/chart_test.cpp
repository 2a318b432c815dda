#include "report/chart_bars.h"
#include "report/chart_dots.h"
#include "report/chart_heat_map.h"
#include "report/chart_histogram.h"
#include "report/chart_lines.h"
#include "report/chart_scatter.h"
#include <gtest/gtest.h>

namespace latticelens::report {
namespace {

std::string plain(double value) {
  return significant(value);
}

void expect_clean(const Markup& chart) {
  const std::string& html = chart.html();
  EXPECT_NE(html.find("<svg"), std::string::npos);
  EXPECT_NE(html.find("role=\"img\""), std::string::npos);
  EXPECT_NE(html.find("aria-label="), std::string::npos);
  for (const char* bad : {"nan", "NaN", "inf", "Infinity"})
    EXPECT_EQ(html.find(bad), std::string::npos) << bad << " in " << html;
}

TEST(Axis, logarithmic_ticks_are_the_powers_of_ten) {
  const std::vector<double> ticks = logarithmic_ticks({0.002, 3});
  ASSERT_EQ(ticks.size(), 3u);
  EXPECT_NEAR(ticks[0], 0.01, 1e-12);
  EXPECT_NEAR(ticks[2], 1, 1e-12);
}

TEST(Axis, a_narrow_logarithmic_axis_has_steps_between) {
  EXPECT_EQ(logarithmic_ticks({1.5, 7}), (std::vector<double>{2, 5}));
  EXPECT_GE(logarithmic_ticks({3.1, 3.3}).size(), 2u);
  EXPECT_LE(logarithmic_ticks({1e-300, 1e300}).size(), 20u);
}

TEST(Axis, linear_ticks_are_round_numbers) {
  EXPECT_EQ(linear_ticks({0, 10}, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_LE(linear_ticks({-1e300, 1e300}, 5).size(), 25u);
}

TEST(Axis, extents_leave_out_what_cannot_be_drawn) {
  const std::vector<double> values = {absent, 0.01, 0, 4};
  EXPECT_EQ(extent_of(values, Spacing::logarithmic).low, 0.01);
  EXPECT_EQ(extent_of({}, Spacing::linear).high, 1);
  const std::vector<double> constant = {5, 5};
  EXPECT_LT(extent_of(constant, Spacing::linear).low, 5);
  EXPECT_GT(extent_of(constant, Spacing::logarithmic).high, 5);
  const std::vector<double> zeros = {0, 0};
  EXPECT_LT(extent_of(zeros, Spacing::linear).low, extent_of(zeros, Spacing::linear).high);
}

TEST(Charts, draw_nothing_single_constant_and_absent_values) {
  const std::vector<std::vector<double>> cases = {
      {}, {0.5}, {2, 2, 2}, {absent, absent}, {1, absent, 3}, {0, 0}, {1e300, 1e-300}};
  for (const std::vector<double>& values : cases)
    for (const Spacing spacing : {Spacing::linear, Spacing::logarithmic}) {
      expect_clean(line_chart({.title = "t",
                               .description = "d",
                               .lines = {{"a", "c0", values, "note"}},
                               .spacing = spacing,
                               .extent = extent_of(values, spacing),
                               .label = plain}));
      expect_clean(dot_chart({.title = "t", .description = "d", .values = values, .label = plain}));
      expect_clean(heat_map({.description = "d",
                             .rows = {"a"},
                             .columns = values.size(),
                             .values = {values},
                             .spacing = spacing,
                             .label = plain}));
      BarChart bars{.description = "d"};
      ScatterChart scatter{.description = "d", .x_label = plain, .y_label = plain};
      for (const double value : values) {
        bars.bars.push_back({"a", "b", "c0", "", value, value});
        scatter.dots.push_back({"run", value, value});
      }
      expect_clean(bar_chart(bars));
      expect_clean(scatter_chart(scatter));
    }
  expect_clean(histogram_chart({.description = "d", .rows = {}}));
  expect_clean(histogram_chart({.description = "d", .rows = {{"a", "", "c0", {{-7, 0}}}}}));
}

TEST(Charts, a_line_breaks_where_a_value_is_absent) {
  const Markup chart = line_chart(
      {.lines = {{"a", "c0", {1, 2, absent, 2, 1}, ""}}, .extent = {0, 3}, .label = plain});
  const std::string& html = chart.html();
  const std::string path = html.substr(html.find("<path"), 80);
  EXPECT_EQ(std::count(path.begin(), path.end(), 'M'), 2) << path;
}

TEST(Charts, heat_steps_run_from_the_lowest_to_the_highest_value) {
  EXPECT_EQ(heat_step(1, {1, 1000}, Spacing::logarithmic), 0);
  EXPECT_EQ(heat_step(1000, {1, 1000}, Spacing::logarithmic), heat_steps - 1);
  EXPECT_EQ(heat_step(5.5, {1, 10}, Spacing::linear), heat_steps / 2);
}

TEST(Charts, names_are_escaped_and_shortened) {
  const Markup chart = bar_chart({.bars = {{"<script>", "a & b", "c0", "\"tip\"", 1}}});
  EXPECT_EQ(chart.html().find("<script>"), std::string::npos);
  EXPECT_NE(chart.html().find("a &amp; b"), std::string::npos);
  EXPECT_EQ(shortened("日本語の長い名前", 5), "日本…名前");
}

TEST(Charts, mean_and_standard_error_over_windows) {
  const std::vector<double> values = {1, 3, absent};
  EXPECT_EQ(mean_of(values).value, 2);
  EXPECT_NEAR(mean_of(values).standard_error, 1, 1e-12);
  EXPECT_EQ(median_of({{-7, 3}, {-6, 2}}), -7);
}

} // namespace
} // namespace latticelens::report
