#include "core/error.h"
#include "report/layer_table.h"
#include "report/page.h"
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

void expect_has(const std::string& page, const std::vector<std::string>& texts) {
  for (const std::string& text : texts)
    EXPECT_NE(page.find(text), std::string::npos) << "no " << text;
}

/// No other file, no script, no number that is none.
void expect_sound(const std::string& page) {
  for (const char* bad : {"<script", "<link", "<img", "src=", "http:", "https:", "url(", ">nan",
                          " nan", "-nan", "\"nan", ">inf<", "−–"})
    EXPECT_EQ(page.find(bad), std::string::npos) << bad;
  EXPECT_EQ(page.find("<!DOCTYPE html>"), 0u);
}

TEST(Page, has_the_numbers_of_the_run) {
  const TemporaryFolder folder;
  const std::string page = run_page(
      written(folder, "run", synthetic_run_json(), synthetic_rows(), {synthetic_evaluation()}));
  expect_sound(page);
  expect_has(page, {"4-bit weights and activations cost 0.58 nats per token: perplexity 19.2 → "
                    "34.3, 61\u00a0% of top tokens agree.",
                    "34.27", "19.19", "0.4321", "61.5\u00a0%", "12.5 s", "1.95 GB", "171 MB",
                    "小さな模型.gguf", "本文.txt", "18446744073709551615", "49,152",
                    "Proven: at most 4.40 times the error of the best choice of codes",
                    "7.40 dB above the rate bound", "20\u00a0% of the output error", "2⁻⁷",
                    "2.80\u00a0%", "rounding=gptq:damp=0.01"});
}

TEST(Page, shows_the_answers_to_tasks_beside_the_originals) {
  const TemporaryFolder folder;
  write_run(folder / "run", synthetic_run_json(), testing::synthetic_rows(),
            {testing::synthetic_tasks()});
  const std::string page = run_page(read_run_data(folder / "run"));
  for (const char* text : {"id=\"tasks\"", "61.0 ± 4.8", "69.0 ± 4.6", "0.057", "winogrande",
                           "17 right answers were lost and 5 gained (p = 0.017)"})
    EXPECT_NE(page.find(text), std::string::npos) << text;
  write_run(folder / "without", synthetic_run_json(), testing::synthetic_rows(), {});
  EXPECT_EQ(run_page(read_run_data(folder / "without")).find("id=\"tasks\""), std::string::npos);
}

TEST(Page, shows_what_was_learned_step_by_step_and_block_by_block) {
  const TemporaryFolder folder;
  write_run(folder / "run", synthetic_run_json(), synthetic_rows(), {});
  EXPECT_EQ(run_page(read_run_data(folder / "run")).find("id=\"learning\""), std::string::npos);
  write_text(folder / "run" / "learning.jsonl",
             R"({"learns":"codes","step":0,"held_out_loss":0.3821}
{"learns":"codes","step":1,"loss":0.41,"rate":0.0003}
{"learns":"codes","step":2,"loss":0.33,"rate":0.0001}
{"learns":"codes","step":2,"held_out_loss":0.2854}
)");
  const std::string steps = run_page(read_run_data(folder / "run"));
  expect_sound(steps);
  expect_has(steps, {"id=\"learning\"",
                     "learn=codes took the loss on tokens held out from 0.382 to "
                     "0.285 nats per token.",
                     "learn=codes: loss over steps"});
  write_text(folder / "run" / "learning.jsonl",
             R"({"learns":"blocks","layer":0,"loss_before":12.5,"loss_after":11.5}
{"learns":"blocks","layer":1,"loss_before":59.2,"loss_after":56.2}
)");
  const std::string blocks = run_page(read_run_data(folder / "run"));
  expect_sound(blocks);
  expect_has(blocks, {"error of each block’s output", "56.2"});
  write_text(folder / "run" / "learning.jsonl", R"({"learns":"blocks","layer":-1})");
  EXPECT_ERROR(read_run_data(folder / "run"), "learning.jsonl line 1: \"layer\" is −1");
}

TEST(Page, escapes_what_the_files_say) {
  const TemporaryFolder folder;
  Json run = synthetic_run_json();
  run["identity"]["method"] = "weight=<script>alert(1)</script>";
  run["preset"] = "\"><img src=x>";
  run["program"] = "<b>";
  run["times"] = {{"<i>", 1}};
  Json evaluation = synthetic_evaluation();
  evaluation["text"] = {"<svg onload=x>.txt"};
  const std::string page =
      run_page(written(folder, "<u>", run, {synthetic_row(0, "<em>.\"x\"", 1)}, {evaluation}));
  for (const char* bad : {"<script", "<img", "<b>", "<i>", "<svg onload", "<u>", "<em>"})
    EXPECT_EQ(page.find(bad), std::string::npos) << bad;
}

TEST(Page, partial_runs_say_what_is_missing_and_how_to_get_it) {
  const TemporaryFolder folder;
  const std::string no_evaluation =
      run_page(written(folder, "a", synthetic_run_json(), synthetic_rows(), {}));
  expect_has(no_evaluation, {"not been measured yet",
                             "latticelens evaluate " + (folder / "a").string() + " --text"});
  Json unfinished = synthetic_run_json();
  unfinished["state"] = "running";
  for (const char* key : {"times", "seconds", "peak_memory", "model_bytes"})
    unfinished.erase(key);
  const std::string half =
      run_page(written(folder, "b", unfinished, {synthetic_row(0, "mlp.down_proj", 1)}, {}));
  expect_has(half, {"This run is not finished: 1 of 2 blocks quantized", "--preset brq",
                    "--calibration &#39;本文.txt&#39;"});
  const std::string empty = run_page(written(folder, "c", {{"state", "running"}}, {}, {}));
  expect_has(empty, {"This run is not finished.", "No block has been quantized yet"});
  for (const std::string& page : {no_evaluation, half, empty})
    expect_sound(page);
}

TEST(Page, without_calibration_the_errors_are_the_weights) {
  const TemporaryFolder folder;
  std::vector<Json> rows = synthetic_rows();
  for (Json& row : rows)
    row["error"] = row["nearest_error"] = row["energy"] = nullptr;
  Json run = synthetic_run_json();
  run["calibration"] = {{"files", Json::array()}, {"windows", 0}, {"window", 0}};
  const std::string page = run_page(written(folder, "run", run, rows, {}));
  expect_sound(page);
  expect_has(page, {"there was no calibration text", "1.5\u00a0%", "none: no text was used"});
}

TEST(Page, warns_of_nan_resumed_blocks_and_raised_damping) {
  const TemporaryFolder folder;
  Json run = synthetic_run_json(), row = synthetic_row(0, "mlp.down_proj", 1);
  run["resumed_blocks"] = 1;
  run["calibration_activations"] = {{"values", 10}, {"clipped", 0}, {"not_finite", 7}};
  row["escalations"] = 2;
  row["damping"] = 0.1;
  Json evaluation = synthetic_evaluation();
  evaluation["perplexity"] = evaluation["mean_nll"] = nullptr;
  const std::string page = run_page(written(folder, "run", run, {row}, {evaluation}));
  expect_has(page, {"7 activations came out as NaN", "after 1 block of an earlier",
                    "had to be raised for 1 linear", "broke the model"});
}

TEST(Page, zero_and_constant_errors_draw) {
  const TemporaryFolder folder;
  Json row = synthetic_row(0, "mlp.down_proj", 0);
  row["weight_error"] = 0;
  const RunData run = written(folder, "run", synthetic_run_json(), {row}, {});
  const std::string page = run_page(run);
  expect_sound(page);
  expect_has(page, {"every error is zero"});
}

TEST(Page, compares_runs_in_the_order_given) {
  const TemporaryFolder folder;
  Json other_evaluation = synthetic_evaluation(), other_run = synthetic_run_json();
  other_evaluation["kl"] = 0.9;
  other_evaluation["text"] = {"another.txt"};
  other_run["seconds"] = 3.0;
  const RunData first =
      written(folder, "first", synthetic_run_json(), synthetic_rows(), {synthetic_evaluation()});
  const RunData second = written(folder, "second", other_run, synthetic_rows(), {other_evaluation});
  const RunData third = written(folder, "third", {{"state", "running"}}, {}, {});
  const std::string page = run_page(first, {second, third});
  expect_sound(page);
  expect_has(page, {"Beside other runs", "<strong>0.4321</strong>", "0.9000", "time to quantize",
                    "Not the same measurement: second"});
  const std::size_t table = page.find("Runs beside each other");
  EXPECT_LT(page.find(">second<", table), page.find(">third<", table));
}

TEST(Page, key_numbers_are_null_where_unknown) {
  const TemporaryFolder folder;
  const Json known_run = key_numbers(
      written(folder, "a", synthetic_run_json(), synthetic_rows(), {synthetic_evaluation()}));
  EXPECT_EQ(known_run["kl"], 0.4321);
  EXPECT_EQ(known_run["relative_error"], 0.019);
  EXPECT_EQ(known_run["seconds"], 12.5);
  const Json empty = key_numbers(written(folder, "b", {{"state", "running"}}, {}, {}));
  EXPECT_TRUE(empty["perplexity"].is_null());
  EXPECT_TRUE(empty["relative_error"].is_null());
}

} // namespace
} // namespace latticelens::report
