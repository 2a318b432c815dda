// What the pages' files hold: sound HTML around data that nothing in them can leave.
#include "core/error.h"
#include "report/page.h"
#include "report/run_json.h"
#include "report/summary.h"
#include "tests/report/synthetic_run.h"

namespace latticelens::report {
namespace {

using testing::synthetic_evaluation, testing::synthetic_row, testing::synthetic_rows;
using testing::synthetic_run_json, testing::TemporaryFolder, testing::write_run;

RunData written(const TemporaryFolder& folder, const std::string& name, const Json& run,
                const std::vector<Json>& rows, const std::vector<Json>& metrics) {
  write_run(folder / name, run, rows, metrics);
  return read_run_data(folder / name);
}

/// The JSON that a page carries.
Json data_of(const std::string& page) {
  const std::string start = "<script type=\"application/json\" id=\"data\">";
  const std::size_t first = page.find(start) + start.size();
  return parse_json(page.substr(first, page.find("</script>", first) - first), "page");
}

TEST(Page, carries_the_runs_numbers_unchanged) {
  const TemporaryFolder folder;
  const RunData run =
      written(folder, "run", synthetic_run_json(), synthetic_rows(), {synthetic_evaluation()});
  const Json data = data_of(run_page(run));
  EXPECT_EQ(data["kind"], "run");
  EXPECT_EQ(data["run"], parse_json(to_text(run_json(run)), "json"));
  const Json& evaluation = data["run"]["evaluations"][0];
  EXPECT_EQ(evaluation["perplexity"], 34.27);
  EXPECT_EQ(evaluation["windowKl"], Json({0.43, 0.4342}));
  EXPECT_EQ(data["run"]["seconds"], 12.5);
  EXPECT_EQ(data["run"]["modelBytes"], 171253673);
  EXPECT_EQ(data["run"]["seed"], "18446744073709551615");
  EXPECT_EQ(data["run"]["model"]["name"], "小さな模型.gguf");
  EXPECT_EQ(data["run"]["method"]["parts"], "4-bit weights and activations");
  EXPECT_EQ(data["run"]["linears"].size(), 4u);
}

TEST(Page, is_one_file_that_may_fetch_nothing) {
  const TemporaryFolder folder;
  const std::string page = run_page(
      written(folder, "run", synthetic_run_json(), synthetic_rows(), {synthetic_evaluation()}));
  EXPECT_EQ(page.find("<!DOCTYPE html>"), 0u);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  for (const char* bad :
       {"<link", "<img", "<script src", "@import", "url(http", "//# sourceMapping"})
    EXPECT_EQ(page.find(bad), std::string::npos) << bad;
}

TEST(Page, is_the_same_bytes_for_the_same_data) {
  const TemporaryFolder folder;
  const RunData run =
      written(folder, "run", synthetic_run_json(), synthetic_rows(), {synthetic_evaluation()});
  EXPECT_EQ(run_page(run), run_page(read_run_data(folder / "run")));
}

TEST(Page, nothing_that_the_files_say_leaves_the_data) {
  const TemporaryFolder folder;
  Json run = synthetic_run_json(), evaluation = synthetic_evaluation();
  run["identity"]["method"] = "weight=</script><script>alert(1)</script>";
  run["model"]["path"] = "models/<b>&.gguf";
  evaluation["text"] = {"<!--.txt"};
  evaluation["positions"] = {{{"token", "</SCRIPT>"}}};
  const std::string page =
      run_page(written(folder, "<u>", run, {synthetic_row(0, "<em>", 1)}, {evaluation}));
  for (const char* bad : {"alert(1)</script>", "<b>", "<!--.txt", "</SCRIPT>", "<u>", "<em>"})
    EXPECT_EQ(page.find(bad), std::string::npos) << bad;
  EXPECT_NE(page.find("<title>&lt;b&gt;&amp;.gguf, brq"), std::string::npos);
  EXPECT_EQ(data_of(page)["run"]["method"]["text"], run["identity"]["method"]);
}

TEST(Page, carries_tasks_learning_tokens_and_rotations) {
  const TemporaryFolder folder;
  Json row = synthetic_row(0, "mlp.down_proj", 1), evaluation = synthetic_evaluation();
  row["rotation"] = {{"scale_exponents_before", {{"-5", 100}, {"-3", 28}}},
                     {"scale_exponents_after", {{"-6", 128}}},
                     {"energy_before", 90.5}};
  evaluation["loss_changes"] = {{"worse", 0.75}, {"1%", -2.0}, {"99%", 5.5}};
  evaluation["positions"] = {{{"window", 1},
                              {"position", 7},
                              {"kl", 9.25},
                              {"before", "日本の"},
                              {"token", "首都"},
                              {"likeliest", "は"},
                              {"original_likeliest", "東京"}}};
  write_run(folder / "run", synthetic_run_json(), {row}, {evaluation, testing::synthetic_tasks()});
  write_text(folder / "run" / "learning.jsonl",
             R"({"learns":"codes","step":1,"loss":0.41,"rate":0.0003}
)");
  const Json run = run_json(read_run_data(folder / "run"));
  EXPECT_EQ(run["tasks"]["mean"]["p"], 0.0169);
  EXPECT_EQ(run["learning"][0]["loss"], 0.41);
  EXPECT_EQ(run["evaluations"][0]["places"][0]["originalLikeliest"], "東京");
  EXPECT_EQ(run["evaluations"][0]["changes"]["quantiles"][0], Json({"1%", -2.0}));
  EXPECT_EQ(run["linears"][0]["rotation"]["before"], Json({{-5, 100}, {-3, 28}}));
  write_text(folder / "run" / "learning.jsonl", R"({"learns":"blocks","layer":-1})");
  EXPECT_ERROR(read_run_data(folder / "run"), "learning.jsonl line 1: \"layer\" is -1");
}

TEST(Page, offers_the_commands_that_fill_gaps) {
  const TemporaryFolder folder;
  const Json run =
      run_json(written(folder, "a", synthetic_run_json(), synthetic_rows(), {}))["commands"];
  EXPECT_NE(run["evaluate"].get<std::string>().find("latticelens evaluate " +
                                                    (folder / "a").string() + " --text"),
            std::string::npos);
  EXPECT_NE(run["quantize"].get<std::string>().find("--preset brq --calibration '本文.txt'"),
            std::string::npos);
  const Json empty = run_json(written(folder, "c", {{"state", "running"}}, {}, {}));
  EXPECT_EQ(empty["finished"], false);
  EXPECT_TRUE(empty["model"].is_null());
  EXPECT_TRUE(empty["mainEvaluation"].is_null());
}

TEST(Page, without_calibration_the_errors_are_the_weights) {
  const TemporaryFolder folder;
  std::vector<Json> rows = synthetic_rows();
  for (Json& row : rows)
    row["error"] = row["nearest_error"] = row["energy"] = nullptr;
  const Json run = run_json(written(folder, "run", synthetic_run_json(), rows, {}));
  EXPECT_EQ(run["ofOutputs"], false);
  EXPECT_EQ(run["linears"][0]["error"], 1.5);
  EXPECT_TRUE(run["linears"][0]["nearestError"].is_null());
}

TEST(Summary, is_null_where_unknown) {
  const TemporaryFolder folder;
  const Json known_run = key_numbers(
      written(folder, "a", synthetic_run_json(), synthetic_rows(), {synthetic_evaluation()}));
  EXPECT_EQ(known_run["kl"], 0.4321);
  EXPECT_EQ(known_run["relative_error"], 0.019);
  EXPECT_EQ(known_run["median_relative_error"], 0.00625);
  EXPECT_EQ(known_run["median_of_nearest"], 0.2);
  EXPECT_EQ(known_run["seconds"], 12.5);
  const Json empty = key_numbers(written(folder, "b", {{"state", "running"}}, {}, {}));
  EXPECT_TRUE(empty["perplexity"].is_null());
  EXPECT_TRUE(empty["relative_error"].is_null());
}

TEST(Summary, is_about_the_last_evaluation_against_an_original) {
  const TemporaryFolder folder;
  Json alone = synthetic_evaluation(), second = synthetic_evaluation();
  alone.erase("kl");
  second["kl"] = 0.5;
  const RunData run =
      written(folder, "a", synthetic_run_json(), {}, {synthetic_evaluation(), second, alone});
  EXPECT_EQ(main_evaluation(run), &run.evaluations[1]);
}

} // namespace
} // namespace latticelens::report
