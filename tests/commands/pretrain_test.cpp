#include "core/files.h"
#include "core/json.h"
#include "core/run_directory.h"
#include "tests/commands/errors.h"
#include "tests/commands/program.h"
#include "tests/support.h"

namespace latticelens {
namespace {

using testing::expect_command_error;
using testing::folder_contents;
using testing::run_and_kill;
using testing::run_program;

namespace fs = std::filesystem;

/// Forty documents of two languages that say the same, again and again a little different.
class PretrainCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* language : {"en", "ja"})
      make_directory(folder_ / language);
    for (int i = 0; i < 40; ++i) {
      std::string english, japanese;
      for (int line = i; line < i + 12; ++line) {
        english += "Command " + std::to_string(line * line) + " opens a file and reads it.\n";
        japanese += "コマンド" + std::to_string(line * line) + "はファイルを開いて読む。\n";
      }
      write_text(folder_ / ("en/" + std::to_string(i) + ".txt"), english);
      write_text(folder_ / ("ja/" + std::to_string(i) + ".txt"), japanese);
    }
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> command(const std::string& out, const std::string& steps = "12") const {
    return {"pretrain",
            "--text",
            at("ja/"),
            at("en"),
            "--out",
            at(out),
            "--vocabulary",
            "350",
            "--hidden",
            "32",
            "--layers",
            "2",
            "--heads",
            "4",
            "--intermediate",
            "48",
            "--key-value-heads",
            "2",
            "--window",
            "64",
            "--batch-tokens",
            "256",
            "--steps",
            steps,
            "--every",
            "20",
            "--warm-up",
            "0.1",
            "--rate",
            "0.01",
            "--quiet"};
  }
  /// The command with another value of an option that it has.
  std::vector<std::string> with(const std::string& option, const std::string& value) const {
    std::vector<std::string> arguments = command("out");
    *(std::find(arguments.begin(), arguments.end(), option) + 1) = value;
    return arguments;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(PretrainCommand, learns_and_keeps_checkpoints_that_other_commands_read) {
  std::vector<std::string> arguments = command("series");
  arguments.push_back("--json");
  const auto made = run_program(arguments);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(made.err, "");
  EXPECT_EQ(parse_json(made.out, "stdout")["steps"], 12);
  const std::vector<Json> steps = read_lines(at("series/loss.jsonl"));
  ASSERT_EQ(steps.size(), 12u);
  EXPECT_LT(steps[11]["loss"].get<double>(), steps[0]["loss"].get<double>() - 0.5);
  EXPECT_EQ(steps[11]["step"], 12);
  EXPECT_EQ(steps[11]["tokens"], 12 * 256);
  const Json series = read_json(at("series/series.json"));
  EXPECT_EQ(series["state"], "finished");
  std::vector<std::int64_t> at_steps;
  for (const Json& checkpoint : series["checkpoints"]) {
    at_steps.push_back(checkpoint["step"].get<std::int64_t>());
    const std::string folder = at("series/" + checkpoint["folder"].get<std::string>());
    const auto evaluated = run_program({"evaluate", folder, "--text", at("ja/3.txt"), "--window",
                                        "64", "--windows", "2", "--json", "--quiet"});
    ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
    EXPECT_GT(parse_json(evaluated.out, "stdout")["mean_nll"].get<double>(), 0);
  }
  EXPECT_EQ(at_steps, (std::vector<std::int64_t>{0, 1, 2, 4, 8, 12}));
  const auto said = [&](std::size_t i, const char* language) {
    return series["checkpoints"][i]["held_out_loss"][language].get<double>();
  };
  for (const char* language : {"en", "ja"}) {
    EXPECT_NEAR(said(0, language), std::log(350), 0.1);
    EXPECT_LT(said(5, language), said(0, language) - 0.5);
    EXPECT_FALSE(fs::is_empty(at(std::string("series/held-out/") + language)));
  }
  EXPECT_FALSE(fs::exists(at("series/state.safetensors")));
}

TEST_F(PretrainCommand, the_same_command_gives_the_same_bytes_at_any_thread_count) {
  ASSERT_EQ(run_program(command("one"), "OMP_NUM_THREADS=1").exit_code, 0);
  ASSERT_EQ(run_program(command("two"), "OMP_NUM_THREADS=2").exit_code, 0);
  EXPECT_EQ(folder_contents(at("one")), folder_contents(at("two")));
  const auto again = run_program(command("two"));
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(folder_contents(at("one")), folder_contents(at("two")));
}

/// Kills the command between its first state and its end, however fast the machine is.
void kill_on_the_way(const std::vector<std::string>& command, const fs::path& folder) {
  double milliseconds = 200;
  for (int attempt = 0; attempt < 200; ++attempt) {
    const bool killed = run_and_kill(command, static_cast<int>(milliseconds));
    if (killed && fs::exists(folder / "state.safetensors"))
      return;
    milliseconds *= killed ? 1.15 : 0.7; // too early, too late
    fs::remove_all(folder);
  }
  FAIL() << "never killed on its way";
}

TEST_F(PretrainCommand, a_killed_series_goes_on_to_the_same_bytes) {
  ASSERT_EQ(run_program(command("whole", "60")).exit_code, 0);
  kill_on_the_way(command("cut", "60"), at("cut"));
  ASSERT_EQ(run_program(command("cut", "60")).exit_code, 0);
  EXPECT_EQ(folder_contents(at("cut")), folder_contents(at("whole")));
}

/// What a process leaves that is killed after a step's line and a checkpoint, but before the state.
TEST_F(PretrainCommand, what_was_written_behind_the_state_is_written_again) {
  ASSERT_EQ(run_program(command("whole", "60")).exit_code, 0);
  kill_on_the_way(command("cut", "60"), at("cut"));
  fs::remove_all(at("cut/step-000060"));
  fs::copy(at("whole/step-000060"), at("cut/step-000060"));
  fs::copy_file(at("whole/loss.jsonl"), at("cut/loss.jsonl"), fs::copy_options::overwrite_existing);
  ASSERT_EQ(run_program(command("cut", "60")).exit_code, 0);
  EXPECT_EQ(folder_contents(at("cut")), folder_contents(at("whole")));
}

TEST_F(PretrainCommand, refuses_what_it_cannot_train_on) {
  expect_command_error(with("--text", at("none")), "none: no such folder");
  expect_command_error(with("--heads", "5"), "--heads 5");
  expect_command_error(with("--window", "1"), "--window 1");
  expect_command_error(with("--vocabulary", "90000"), "--vocabulary 90000");
  fs::remove_all(at("out"));
  expect_command_error(with("--window", "100000"), "--batch-tokens 256");
  write_text(folder_ / "ja/7.txt", "\xff");
  expect_command_error(command("out"), "7.txt: not UTF-8 at byte 0");
  write_text(folder_ / "ja/7.txt", "");
  expect_command_error(command("out"), "7.txt: no text in it");
}

TEST_F(PretrainCommand, leaves_a_folder_of_another_series_alone) {
  ASSERT_EQ(run_program(command("out")).exit_code, 0);
  expect_command_error(with("--steps", "13"), "belongs to another series");
  write_text(folder_ / "ja/7.txt", "別の文章です。\n");
  expect_command_error(command("out"), "belongs to another series");
}

} // namespace
} // namespace latticelens
