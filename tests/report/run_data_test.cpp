#include "core/error.h"
#include "report/run_data.h"
#include "report/summary.h"
#include "tests/report/synthetic_run.h"

namespace latticelens::report {
namespace {

using testing::synthetic_evaluation, testing::synthetic_row, testing::synthetic_run_json;
using testing::TemporaryFolder, testing::write_run;

RunData read_with_row(const Json& row) {
  const TemporaryFolder folder;
  write_run(folder.path(), synthetic_run_json(), {row}, {});
  return read_run_data(folder.path());
}

RunData read_with_run(const Json& run) {
  const TemporaryFolder folder;
  write_run(folder.path(), run, {}, {});
  return read_run_data(folder.path());
}

RunData read_with_evaluation(const Json& evaluation) {
  const TemporaryFolder folder;
  write_run(folder.path(), synthetic_run_json(), {}, {evaluation});
  return read_run_data(folder.path());
}

Json changed(Json json, const char* key, const Json& value) {
  json[key] = value;
  return json;
}

TEST(RunData, reads_what_quantize_and_evaluate_write) {
  const TemporaryFolder folder;
  write_run(folder.path(), synthetic_run_json(), testing::synthetic_rows(),
            {{{"event", "something else"}}, synthetic_evaluation()});
  const RunData run = read_run_data(folder.path());
  EXPECT_TRUE(run.finished);
  EXPECT_EQ(run.seed, "18446744073709551615");
  EXPECT_EQ(run.model->layers, 2);
  EXPECT_EQ(run.calibration->files[0], "本文.txt");
  EXPECT_EQ(run.linears.size(), 4u);
  EXPECT_EQ(run.linears[0].scale_exponents.at(-7), 100);
  ASSERT_EQ(run.evaluations.size(), 1u);
  EXPECT_EQ(run.evaluations[0].window_kl.size(), 2u);
  EXPECT_EQ(run.evaluations[0].activations->clipped, 28);
}

TEST(RunData, reads_the_answers_to_tasks) {
  const TemporaryFolder folder;
  write_run(folder.path(), synthetic_run_json(), {}, {testing::synthetic_tasks()});
  const RunData run = read_run_data(folder.path());
  ASSERT_EQ(run.tasks.size(), 1u);
  ASSERT_EQ(run.tasks[0].tasks.size(), 2u);
  EXPECT_EQ(run.tasks[0].tasks[0].metrics.size(), 2u);
  EXPECT_EQ(run.tasks[0].tasks[0].metrics[1].second.lost, 11);
  EXPECT_EQ(run.tasks[0].tasks[1].metrics.size(), 1u);
  EXPECT_DOUBLE_EQ(run.tasks[0].mean.p, 0.0169);
  EXPECT_TRUE(run.evaluations.empty());
}

TEST(RunData, hostile_tasks_are_errors) {
  const auto read_with_tasks = [](const Json& tasks) {
    const TemporaryFolder folder;
    write_run(folder.path(), synthetic_run_json(), {}, {tasks});
    return read_run_data(folder.path());
  };
  const Json tasks = testing::synthetic_tasks();
  EXPECT_ERROR(read_with_tasks(changed(tasks, "tasks", "many")), "list");
  EXPECT_ERROR(read_with_tasks(changed(tasks, "tasks", {1})), "objects");
  EXPECT_ERROR(read_with_tasks(changed(tasks, "mean", {{"value", 2}})), "outside");
  EXPECT_ERROR(read_with_tasks(changed(tasks, "mean", {{"lost", -1}})), "outside");
}

TEST(RunData, nulls_are_absent_numbers) {
  const RunData run = read_with_row(changed(synthetic_row(0, "a", 1), "error", nullptr));
  EXPECT_FALSE(known(run.linears[0].error));
  EXPECT_FALSE(errors_are_of_outputs(run));
  const RunData evaluated =
      read_with_evaluation(changed(synthetic_evaluation(), "windows", {nullptr, 3.5}));
  EXPECT_FALSE(known(evaluated.evaluations[0].window_loss[0]));
}

TEST(RunData, hostile_rows_are_errors_that_name_the_line) {
  const Json row = synthetic_row(0, "a", 1);
  EXPECT_ERROR(read_with_row(Json::array()), "layers.jsonl line 1");
  EXPECT_ERROR(read_with_row(Json::object()), "\"layer\" is missing");
  EXPECT_ERROR(read_with_row(changed(row, "layer", "0")), "should be an integer");
  EXPECT_ERROR(read_with_row(changed(row, "layer", -1)), "outside");
  EXPECT_ERROR(read_with_row(changed(row, "layer", 1e9)), "should be an integer");
  EXPECT_ERROR(read_with_row(changed(row, "layer", 1000000000)), "outside");
  EXPECT_ERROR(read_with_row(changed(row, "out", 9007199254740993)), "outside");
  EXPECT_ERROR(read_with_row(changed(row, "clipped", 5000)), "more than");
  EXPECT_ERROR(read_with_row(changed(row, "weight_error", -1)), "outside");
  EXPECT_ERROR(read_with_row(changed(row, "energy", "much")), "should be a number");
  EXPECT_ERROR(read_with_row(changed(row, "scale_exponents", Json::array())), "object");
  for (const char* key : {"", "-", "--7", "7x", "99999", "-5000", "123456789012"})
    EXPECT_ERROR(read_with_row(changed(row, "scale_exponents", {{key, 1}})), "no exponent");
  EXPECT_ERROR(read_with_row(changed(row, "scale_exponents", {{"-7", 5000}})), "more scales");
  const Json effect = {{"scale_exponents_before", {{"-7", 5000}}}};
  EXPECT_ERROR(read_with_row(changed(row, "rotation", effect)), "more scales");
}

TEST(RunData, hostile_runs_and_evaluations_are_errors) {
  const Json run = synthetic_run_json(), evaluation = synthetic_evaluation();
  EXPECT_ERROR(read_with_run(Json::array()), "run.json");
  EXPECT_ERROR(read_with_run(changed(run, "times", {{"moments", "long"}})), "should be a number");
  EXPECT_ERROR(read_with_run(changed(run, "seconds", 1e300)), "outside");
  EXPECT_ERROR(read_with_run(changed(run, "model", "llama")), "object");
  EXPECT_ERROR(read_with_run(changed(run, "identity", {{"seed", "x"}})), "should be an integer");
  EXPECT_ERROR(read_with_run(changed(run, "calibration", {{"files", {1}}})), "strings");
  EXPECT_ERROR(read_with_evaluation(changed(evaluation, "windows", "many")), "list");
  EXPECT_ERROR(read_with_evaluation(changed(evaluation, "window_kl", {"x"})), "numbers");
  EXPECT_ERROR(read_with_evaluation(changed(evaluation, "top1_agreement", 1.5)), "outside");
  EXPECT_ERROR(read_with_evaluation(changed(evaluation, "positions", {1})), "objects");
  EXPECT_ERROR(read_with_evaluation(changed(evaluation, "positions", {{{"window", -1}}})),
               "outside");
  EXPECT_ERROR(read_with_evaluation(changed(evaluation, "loss_changes", {{"worse", 2}})),
               "outside");
}

TEST(RunData, a_linear_twice_and_a_folder_that_is_no_run_are_errors) {
  const TemporaryFolder folder;
  EXPECT_ERROR(read_run_data(folder.path()), "no run.json");
  const Json row = synthetic_row(0, "a", 1);
  write_run(folder.path(), synthetic_run_json(), {row, row}, {});
  EXPECT_ERROR(read_run_data(folder.path()), "twice");
  write_text(folder / "layers.jsonl", "{\"layer\": 0");
  EXPECT_ERROR(read_run_data(folder.path()), "line 1");
}

} // namespace
} // namespace latticelens::report
