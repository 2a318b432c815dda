#include "core/json.h"
#include "tests/commands/errors.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

using testing::expect_command_error;
using testing::run_program;

class GenerateCommand : public ::testing::Test {
 protected:
  void SetUp() override { testing::write_tiny_model(folder_ / "model"); }
  std::vector<std::string> command(const std::vector<std::string>& more,
                                   const std::string& model = "model") const {
    std::vector<std::string> words = {"generate", (folder_ / model).string(), "--tokens", "10"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(GenerateCommand, prints_the_text_it_gives_as_json) {
  const auto text = run_program(command({"--prompt", "Hi, you", "--quiet"}));
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(text.err, "");
  const auto json = run_program(command({"--prompt", "Hi, you", "--json"}));
  const Json made = parse_json(json.out, "stdout");
  EXPECT_EQ(made["text"].get<std::string>() + "\n", text.out);
  EXPECT_EQ(made["ids"].size(), 10u);
  EXPECT_EQ(made["prompt_tokens"], 7);
  EXPECT_GT(made["tokens_per_second"], 0);
  EXPECT_NE(json.err.find("prompt 7 tokens"), std::string::npos) << json.err;
}

TEST_F(GenerateCommand, a_quantized_run_answers_too_and_the_same_with_one_seed) {
  ASSERT_EQ(run_program({"quantize", (folder_ / "model").string(), "--preset", "rtn", "--out",
                         (folder_ / "run").string(), "--quiet"})
                .exit_code,
            0);
  const std::vector<std::string> drawn = {
      "--prompt", "Hi", "--temperature", "1.2", "--top-p", "0.9", "--seed", "3", "--quiet"};
  const auto first = run_program(command(drawn, "run")), again = run_program(command(drawn, "run"));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(first.out, again.out);
  EXPECT_GT(first.out.size(), 1u);
}

TEST_F(GenerateCommand, wrong_settings_are_one_clear_line) {
  expect_command_error(command({"--prompt", "Hi", "--temperature", "-1"}), "--temperature");
  expect_command_error(command({"--prompt", "Hi", "--top-p", "2"}), "--top-p");
  expect_command_error(
      {"generate", (folder_ / "model").string(), "--prompt", "Hi", "--tokens", "0"}, "--tokens");
  expect_command_error(command({"--prompt", "a\xFF"}), "not UTF-8 at byte 1");
}

} // namespace
} // namespace latticelens
