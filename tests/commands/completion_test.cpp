#include "core/files.h"
#include "evaluate/task.h"
#include "quantize/method.h"
#include "tests/commands/program.h"
#include "tests/support.h"
#include <algorithm>
#include <gtest/gtest.h>

namespace latticelens {
namespace {

using testing::run_bash;
using testing::run_program;

/// The script for bash, printed once for all tests.
class Script {
 public:
  Script() { write_text(folder_ / "completion", run_program({"completion", "bash"}).out); }
  std::string path() const { return (folder_ / "completion").string(); }

 private:
  testing::TemporaryFolder folder_;
};

/// What bash offers when the last word is to be completed, as it calls our function.
std::vector<std::string> offered(const std::vector<std::string>& words) {
  static const Script printed;
  std::string script = "source " + printed.path() + "; COMP_WORDS=(latticelens";
  for (const std::string& word : words)
    script += " '" + word + "'";
  script += "); COMP_CWORD=" + std::to_string(words.size()) +
            "; $(complete -p latticelens | sed 's/.*-F \\([^ ]*\\).*/\\1/');"
            "for word in \"${COMPREPLY[@]}\"; do echo \"$word\"; done";
  const auto outcome = run_bash(script);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < outcome.out.size();) {
    const std::size_t end = outcome.out.find('\n', begin);
    lines.push_back(outcome.out.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

using Words = std::vector<std::string>;

bool contains(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(Completion, bash_offers_commands_and_flags) {
  EXPECT_EQ(offered({"quan"}), Words{"quantize"});
  EXPECT_TRUE(contains(offered({""}), "completion"));
  EXPECT_EQ(offered({"--v"}), Words{"--version"});
  EXPECT_EQ(offered({"quantize", "model", "--pres"}), Words{"--preset"});
  EXPECT_EQ(offered({"evaluate", "--aga"}), Words{"--against"});
}

TEST(Completion, bash_offers_the_values_of_an_option) {
  EXPECT_EQ(offered({"quantize", "model", "--preset", ""}).size(), presets().size());
  EXPECT_EQ(offered({"quantize", "model", "--preset", "brq-"}), Words{"brq-spin"});
  EXPECT_EQ(offered({"quantize", "--preset", "=", "brq-"}), Words{"brq-spin"}); // --preset=brq-
  EXPECT_EQ(offered({"quantize", "--dtype", "="}), (Words{"bf16", "fp32"}));
  EXPECT_EQ(offered({"analyse", "--format", "nv"}), Words{"nvfp4"});
  EXPECT_EQ(offered({"bench", "model", "--axis", "rot"}), Words{"rotation-size"});
  EXPECT_EQ(offered({"completion", "z"}), Words{"zsh"});
  EXPECT_EQ(offered({"help", "exit"}), Words{"exit-codes"});
  EXPECT_EQ(offered({"help", "quant"}), Words{"quantize"});
}

TEST(Completion, bash_goes_on_behind_a_comma) {
  EXPECT_EQ(offered({"evaluate", "run", "--tasks", "piqa,wino"}), Words{"piqa,winogrande"});
  EXPECT_EQ(offered({"evaluate", "run", "--tasks", ""}).size(), tasks().size());
}

TEST(Completion, bash_leaves_files_to_readline_and_offers_none_for_numbers) {
  EXPECT_EQ(offered({"quantize", ""}), Words{});
  EXPECT_EQ(offered({"quantize", "model", "--calibration", "te"}), Words{});
  EXPECT_EQ(offered({"quantize", "model", "--seed", ""}), Words{});
}

TEST(Completion, fish_offers_the_same) {
  if (run_bash("command -v fish").exit_code != 0)
    GTEST_SKIP() << "fish is not installed";
  const auto offer = [](const std::string& line) {
    return run_bash("fish -c \"$PROGRAM completion fish | source; complete -C '" + line + "'\"")
        .out;
  };
  EXPECT_EQ(offer("latticelens quan").rfind("quantize\t", 0), 0u);
  EXPECT_EQ(offer("latticelens quantize m --preset brq-").rfind("brq-spin\t", 0), 0u);
  EXPECT_EQ(offer("latticelens evaluate m --tasks piqa,wi").rfind("piqa,winogrande\t", 0), 0u);
}

TEST(Completion, other_shells_read_their_scripts) {
  for (const std::string shell : {"zsh", "fish"}) {
    if (run_bash("command -v " + shell).exit_code != 0)
      GTEST_SKIP() << shell << " is not installed";
    const auto outcome = run_bash(shell + " -n <($PROGRAM completion " + shell + ")");
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
  }
}

} // namespace
} // namespace latticelens
