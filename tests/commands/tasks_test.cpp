#include "core/json.h"
#include "core/run_directory.h"
#include "tests/commands/errors.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

using testing::expect_command_error;
using testing::run_program;

/// A tiny model, a run of it, and two tasks.
class TasksCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    make_directory(folder_ / "data");
    std::string piqa, arc;
    for (int i = 0; i < 12; ++i) {
      const std::string number = std::to_string(i * i);
      piqa += to_text({{"goal", "count to " + number},
                       {"sol1", "one, two, " + number},
                       {"sol2", "apples and " + number + " pears"},
                       {"label", i % 2}}) +
              "\n";
      arc +=
          to_text(
              {{"question", "What follows " + number + "?"},
               {"choices",
                {{"text", {number + "1", "a", "the number after it"}}, {"label", {"A", "B", "C"}}}},
               {"answerKey", "C"}}) +
          "\n";
    }
    write_text(folder_ / "data/piqa.jsonl", piqa);
    write_text(folder_ / "data/arc_easy.jsonl", arc);
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> command(const std::string& model,
                                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"evaluate", at(model),  "--tasks", "piqa,arc-easy",
                                      "--data",   at("data"), "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(TasksCommand, a_run_is_compared_with_its_original_and_the_result_kept) {
  ASSERT_EQ(run_program({"quantize", at("model"), "--preset", "rtn", "--out", at("run"), "--quiet"})
                .exit_code,
            0);
  const auto evaluated = run_program(command(
      "run", {"--against", at("model"), "--json", "--items", at("items.jsonl"), "--limit", "10"}));
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  Json json = parse_json(evaluated.out, "stdout");
  ASSERT_EQ(json["tasks"].size(), 2u);
  EXPECT_GT(json["activations"]["values"], 0);
  const Json piqa = json["tasks"][0];
  EXPECT_EQ(piqa["items"], 10);
  const Json& acc = piqa["acc"];
  EXPECT_NEAR(acc["value"].get<double>() - acc["original"].get<double>(),
              (acc["gained"].get<double>() - acc["lost"].get<double>()) / 10, 1e-12);
  const std::vector<Json> items = read_lines(at("items.jsonl"));
  ASSERT_EQ(items.size(), 20u);
  int right = 0;
  for (int i = 0; i < 10; ++i)
    right += items[i]["acc"].get<bool>();
  EXPECT_NEAR(acc["value"].get<double>(), right / 10.0, 1e-12);
  json["event"] = "tasks";
  EXPECT_EQ(read_lines(at("run/metrics.jsonl")).back(), json);
  EXPECT_EQ(run_program({"report", at("run")}).exit_code, 0);
}

TEST_F(TasksCommand, prints_a_table_and_the_same_numbers_at_any_thread_count) {
  const auto one = run_program(
      {"evaluate", "--data", at("data"), "--tasks", "piqa,arc-easy", at("model"), "--quiet"},
      "OMP_NUM_THREADS=1");
  ASSERT_EQ(one.exit_code, 0) << one.err;
  EXPECT_NE(one.out.find("acc_norm"), std::string::npos) << one.out;
  EXPECT_NE(one.out.find("mean"), std::string::npos);
  const auto json = [&](const char* threads) {
    return run_program(command("model", {"--json", "--items", at(threads)}), threads).out;
  };
  EXPECT_EQ(json("OMP_NUM_THREADS=1"), json("OMP_NUM_THREADS=2"));
  EXPECT_EQ(read_text(at("OMP_NUM_THREADS=1")), read_text(at("OMP_NUM_THREADS=2")));
}

TEST_F(TasksCommand, wrong_input_gives_one_line) {
  expect_command_error({"evaluate", at("model")}, "give one of --text (perplexity) and --tasks");
  expect_command_error({"evaluate", at("model"), "--tasks", "piqa"}, "give --data");
  expect_command_error({"evaluate", at("model"), "--tasks", "boolq", "--data", at("data")},
                       "known: piqa, winogrande");
  expect_command_error({"evaluate", at("model"), "--tasks", "winogrande", "--data", at("data")},
                       "looked for winogrande_xl_dev.jsonl");
  testing::write_tiny_model(folder_ / "other", {.vocabulary = 100});
  expect_command_error(command("model", {"--against", at("other")}),
                       "vocabularies of different sizes");
  write_text(folder_ / "data/piqa.jsonl", "{\"goal\": \"x\"}\n");
  expect_command_error(command("model"),
                       "piqa.jsonl line 1: \"label\" is missing; a line of piqa is");
}

} // namespace
} // namespace latticelens
