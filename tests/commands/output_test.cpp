// What every command's outputs have in common: --json, --quiet, progress, exit codes.
#include "core/json.h"
#include "tests/commands/errors.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

using testing::run_bash;
using testing::run_program;
using Words = std::vector<std::string>;

class Output : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<testing::TemporaryFolder>();
    testing::write_tiny_model(*folder_ / "model");
    std::string text;
    for (int i = 0; i < 200; ++i)
      text += "Line " + std::to_string(i * i) + " of a text that is only long enough.\n";
    write_text(*folder_ / "text.txt", text);
    write_text(*folder_ / "texts.jsonl", "{\"text\": \"Hi\"}\n{\"text\": \"you\"}\n");
    write_safetensors(*folder_ / "ids.safetensors",
                      {{"input_ids", at::arange(16, at::kLong).reshape({2, 8})}});
  }
  static void TearDownTestSuite() { folder_.reset(); }
  static std::string at(const std::string& name) { return (*folder_ / name).string(); }
  static Words quantize(const std::string& out) {
    return {"quantize", at("model"), "--preset",  "brq", "--calibration", at("text.txt"),
            "--window", "64",        "--windows", "20",  "--out",         at(out)};
  }
  /// Runs it with --json and --quiet: one JSON document on stdout, nothing on stderr.
  static Json json_of(Words command) {
    command.insert(command.end(), {"--json", "--quiet"});
    const auto outcome = run_program(command);
    EXPECT_EQ(outcome.exit_code, 0) << command.front() << ": " << outcome.err;
    EXPECT_EQ(outcome.err, "") << command.front();
    return parse_json(outcome.out, command.front()); // refuses what follows a first document
  }

  static std::unique_ptr<testing::TemporaryFolder> folder_;
};
std::unique_ptr<testing::TemporaryFolder> Output::folder_;

TEST_F(Output, json_is_one_document_and_nothing_else) {
  EXPECT_EQ(json_of(quantize("run"))["state"], "finished");
  const Words text = {"--text", at("text.txt"), "--window", "64", "--windows", "2"};
  const auto with = [](Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const std::string layer = "model.layers.0.mlp.down_proj";
  EXPECT_TRUE(json_of(with({"evaluate", at("run")}, text)).contains("perplexity"));
  EXPECT_TRUE(json_of(with({"compare", at("model"), at("run")}, text)).contains("positions"));
  EXPECT_TRUE(json_of({"generate", at("run"), "--prompt", "Hi", "--tokens", "2"}).contains("ids"));
  EXPECT_TRUE(json_of({"report", at("run")}).contains("report"));
  EXPECT_TRUE(json_of(with({"analyse", at("model")}, text)).contains("analyses"));
  EXPECT_EQ(json_of({"inspect", at("run")}).size(), 14u);
  EXPECT_TRUE(json_of({"inspect", at("run"), "--layer", layer}).contains("linears"));
  EXPECT_TRUE(json_of({"reduce", at("run"), "--layer", layer}).contains("after"));
  EXPECT_EQ(json_of({"export", at("run"), "--out", at("plain")})["dtype"], "bf16");
  EXPECT_EQ(json_of({"logits", at("run"), "--ids", at("ids.safetensors"), "--out",
                     at("logits.safetensors")})["shape"],
            Json({2, 8, 96}));
  EXPECT_EQ(json_of({"tokenize", at("model"), "--jsonl", at("texts.jsonl")}).size(), 2u);
  EXPECT_TRUE(json_of({"list"}).contains("presets"));
  write_text(at("rows"), "rtn: weight=mxfp4\n");
  EXPECT_EQ(json_of(with({"bench", at("model"), "--methods", at("rows"), "--out", at("bench")},
                         text))["rows"]
                .size(),
            1u);
}

TEST_F(Output, a_terminal_gets_a_bar_that_leaves_nothing_of_short_work) {
  std::string command = "$PROGRAM";
  for (const std::string& word : quantize("terminal"))
    command += " " + word;
  const auto outcome = run_bash("export TERM=xterm; script -qec \"" + command + "\" /dev/null");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  EXPECT_NE(outcome.out.find("\r\033[Kquantize [.............................."), std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("0/2 blocks"), std::string::npos) << outcome.out;
}

TEST_F(Output, exit_codes_tell_what_happened) {
  EXPECT_EQ(run_program({"list"}).exit_code, 0);
  EXPECT_EQ(run_program({"list", "--no-such-flag"}).exit_code, 2);
  EXPECT_EQ(run_program({"quantize"}).exit_code, 2);
  EXPECT_EQ(run_program({}).exit_code, 2);
  testing::expect_command_error({"export", at("nowhere"), "--out", at("x")}, "nowhere");
  const auto full = run_bash("$PROGRAM list --json >/dev/full");
  EXPECT_EQ(full.exit_code, 2);
  EXPECT_NE(full.err.find("[output] standard output cannot be written: "), std::string::npos)
      << full.err;
  // A command that waits for its input, interrupted.
  const std::string fifo = at("fifo");
  EXPECT_EQ(run_bash("mkfifo " + fifo + "; exec 3<>" + fifo +
                     "; timeout --preserve-status -s INT 1 $PROGRAM tokenize " + at("model") +
                     " --jsonl - <&3")
                .exit_code,
            130);
}

} // namespace
} // namespace latticelens
