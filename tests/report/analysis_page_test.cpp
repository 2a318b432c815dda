// The page of an analysis, and what is refused.
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "report/analysis_json.h"
#include "report/page.h"
#include "tests/support.h"

namespace latticelens::report {
namespace {

Json curves() {
  return {{"kind", "curves"},
          {"title", "Errors <b>"},
          {"x", "layer"},
          {"y", "error"},
          {"y_logarithmic", true},
          {"curves",
           Json::array({{{"name", "none"},
                         {"points", Json::array({Json::array({0, 0.5}), Json::array({1, 1e-7}),
                                                 Json::array({2, nullptr})})}},
                        {{"name", "full"}, {"points", Json::array()}}})}};
}

Json exponents() {
  return {{"kind", "exponents"},
          {"title", "Maxima"},
          {"rows", Json::array({{{"name", "block"}, {"counts", {{"-3", 5}, {"2", 7}}}}})}};
}

Json cells() {
  return {{"kind", "table"},
          {"title", "Formats"},
          {"columns", {"format", "error"}},
          {"rows", Json::array({Json::array({"mxfp4", 0.0625}), Json::array({"nvfp4", nullptr})})}};
}

Json analysis() {
  return {{"model", "小さな模型.gguf"},
          {"format", "mxfp4"},
          {"of", "inputs"},
          {"text", Json::array({"本文.txt"})},
          {"layers", {0, 1}},
          {"outlier_share", 0.001},
          {"analyses", Json::array({{{"name", "regular-blocks"},
                                     {"title", "Error of blocks"},
                                     {"source", "Figure 6"},
                                     {"claim", "It rises."},
                                     {"verdict", "refuted"},
                                     {"sentence", "It falls to 0.625."},
                                     {"charts", Json::array({curves(), exponents(), cells()})}}})}};
}

std::string page_of(const Json& json) {
  const testing::TemporaryFolder folder;
  write_text(folder / "analysis.json", json.dump());
  return analysis_page(read_analysis_data(folder.path()));
}

void expect_refused(const char* pointer, const Json& value, const std::string& part) {
  Json json = analysis();
  json[Json::json_pointer(pointer)] = value;
  try {
    page_of(json);
    FAIL() << pointer << " is not refused";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(AnalysisPage, carries_the_findings_and_all_kinds_of_pictures) {
  const testing::TemporaryFolder folder;
  write_text(folder / "analysis.json", analysis().dump());
  const Json json = parse_json(to_text(analysis_json(read_analysis_data(folder.path()))), "json");
  EXPECT_EQ(json["model"], "小さな模型.gguf");
  const Json& entry = json["analyses"][0];
  EXPECT_EQ(entry["verdict"], "refuted");
  EXPECT_EQ(entry["sentence"], "It falls to 0.625.");
  EXPECT_EQ(entry["pictures"][0]["curves"][0]["points"][1], Json({1.0, 1e-7}));
  EXPECT_TRUE(entry["pictures"][0]["curves"][0]["points"][2][1].is_null());
  EXPECT_EQ(entry["pictures"][1]["rows"][0]["counts"], Json({{-3, 5}, {2, 7}}));
  EXPECT_EQ(entry["pictures"][2]["rows"][0], Json({"mxfp4", 0.0625}));
  EXPECT_EQ(page_of(analysis()).find("<b>"), std::string::npos);
}

TEST(AnalysisPage, refuses_what_is_no_analysis) {
  expect_refused("/analyses", 1, "list");
  expect_refused("/analyses/0", "x", "objects");
  expect_refused("/analyses/0/charts/0/kind", "pie", "pie");
  expect_refused("/analyses/0/charts/0/curves/0/points/0", Json::array({1}), "pairs");
  expect_refused("/analyses/0/charts/0/curves/0/points/0/1", "x", "numbers");
  expect_refused("/analyses/0/charts/1/rows/0/counts", {{"x", 1}}, "no exponent");
  expect_refused("/analyses/0/charts/1/rows/0/counts", {{"1", -1}}, "outside");
  expect_refused("/analyses/0/charts/2/rows/0", Json::array({"only one"}), "each column");
  expect_refused("/outlier_share", 2, "outside");
}

} // namespace
} // namespace latticelens::report
