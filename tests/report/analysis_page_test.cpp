// The page of an analysis, and what is refused.
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "report/analysis_page.h"
#include "tests/support.h"
#include <cstdlib>
#include <sys/wait.h>

namespace latticelens::report {
namespace {

constexpr int skipped = 77; // check_page's exit code when there is no browser

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

TEST(AnalysisPage, has_the_findings_and_draws_all_kinds) {
  const std::string page = page_of(analysis());
  for (const char* text :
       {"It falls to 0.625.", "Here refuted.", "supports 0 and refutes 1.", "小さな模型.gguf",
        "no rotation", "block rotation", "0.0625", "Figure 6"})
    EXPECT_NE(page.find(text), std::string::npos) << text;
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
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

TEST(AnalysisPage, shows_in_a_browser) {
  const testing::TemporaryFolder folder;
  write_text(folder / "page.html", page_of(analysis()));
  const std::string command = std::string(LATTICELENS_SOURCE) + "/tools/check_page '" +
                              (folder / "page.html").string() + "' 0.625 Figure";
  const int status = std::system(command.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == skipped)
    GTEST_SKIP() << "SKIPPED: no chromium; the page was not looked at in a browser";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

} // namespace
} // namespace latticelens::report
