// Wrong input: one clear line, exit code 2, nothing half-written.
#include "core/json.h"
#include "tests/commands/errors.h"
#include "tests/support.h"
#include "tests/tiny_model.h"
#include <algorithm>
#include <unistd.h>

namespace latticelens {
namespace {

using testing::expect_command_error;
using testing::run_program;

class BadInput : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    testing::write_tiny_model(folder_ / "narrow", {.intermediate = 80});
    write_text(folder_ / "text.txt", std::string(2000, 'a'));
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> evaluate(const std::string& text) const {
    return {"evaluate", at("model"), "--text", at(text), "--window", "64", "--quiet"};
  }
  std::vector<std::string> quantize(const std::string& out) const {
    return {"quantize", at("model"), "--preset", "brq", "--calibration", at("text.txt"),
            "--window", "64",        "--out",    out,   "--quiet"};
  }
  testing::TemporaryFolder folder_;
};

TEST_F(BadInput, texts) {
  write_text(folder_ / "latin1.txt", "caf\xe9 au lait");
  write_text(folder_ / "empty.txt", "");
  write_text(folder_ / "short.txt", "Only a few words.");
  expect_command_error(evaluate("none.txt"), "none.txt");
  expect_command_error(evaluate("latin1.txt"), "latin1.txt");
  expect_command_error(evaluate("empty.txt"), "no text");
  expect_command_error(evaluate("short.txt"), "17 tokens");
}

TEST_F(BadInput, models) {
  expect_command_error({"evaluate", at("none"), "--text", at("text.txt")}, "does not exist");
  write_text(folder_ / "cut.gguf", std::string("GGUF\x03\0\0\0", 8));
  expect_command_error({"evaluate", at("cut.gguf"), "--text", at("text.txt")}, "cut.gguf");
  const std::string weights = read_text(folder_ / "model/model.safetensors");
  write_text(folder_ / "model/model.safetensors",
             std::string_view(weights).substr(0, weights.size() - 100));
  expect_command_error(evaluate("text.txt"), "model.safetensors");
  write_text(folder_ / "model/config.json", "{\"model_type\": ");
  expect_command_error(evaluate("text.txt"), "config.json: not valid JSON");
}

TEST_F(BadInput, methods_and_options) {
  expect_command_error({"quantize", at("model"), "--preset", "best", "--out", at("run")},
                       "known: rtn");
  expect_command_error({"quantize", at("model"), "--out", at("run")},
                       "give one of --preset and --method");
  expect_command_error({"quantize", at("model"), "--preset", "gptq", "--out", at("run")},
                       "needs a text; give --calibration");
  expect_command_error({"quantize", at("model"), "--method", "weight=int3", "--out", at("run")},
                       "known: mxfp4");
  expect_command_error(
      {"quantize", at("model"), "--preset", "rtn", "--dtype", "fp8", "--out", at("run")},
      "known: bf16, fp32");
  expect_command_error({"quantize", at("model"), "--method",
                        "weight=mxfp4 rotate=hadamard:64@value_output", "--out", at("run")},
                       "do not divide the width 32");
  expect_command_error({"quantize", at("narrow"), "--preset", "rtn", "--out", at("run")},
                       "do not divide the 80 inputs of mlp.down_proj");
  EXPECT_FALSE(std::filesystem::exists(at("run")));
}

TEST_F(BadInput, output_folders) {
  write_text(folder_ / "file", "x");
  expect_command_error(quantize(at("file")), "is a file; choose another --out");
  expect_command_error(quantize("/proc/no-such-folder"), "cannot be created");
  expect_command_error(
      {"logits", at("model"), "--ids", at("text.txt"), "--out", at("l.safetensors"), "--quiet"},
      "text.txt");
}

TEST_F(BadInput, a_full_disk_gives_an_error_and_leaves_no_half_written_model) {
  // A file size limit stands for the full disk: the write fails in the same place.
  std::string command;
  for (const std::string& word : quantize(at("run")))
    command += " '" + word + "'";
  const std::string script = "ulimit -f 8; trap '' XFSZ; exec '" LATTICELENS_PROGRAM "'" + command +
                             " 2>'" + at("err") + "'";
  const int status = std::system(("bash -c \"" + script + "\" >/dev/null").c_str());
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_NE(read_text(at("err")).find("cannot be written: File too large"), std::string::npos)
      << read_text(at("err"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(at("run")))
    EXPECT_FALSE(entry.path().string().ends_with(".partial")) << entry.path();
  expect_command_error({"evaluate", at("run"), "--text", at("text.txt")},
                       "this run is not finished");
  const auto continued = run_program(quantize(at("run")));
  EXPECT_EQ(continued.exit_code, 0) << continued.err;
}

TEST_F(BadInput, hostile_lines_for_tokenize) {
  write_text(folder_ / "lines.jsonl", "{\"text\": \"ok\"}\n{\"txt\": 1}\n");
  const auto outcome = run_program({"tokenize", at("model"), "--jsonl", at("lines.jsonl")});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("lines.jsonl line 2: \"text\" is missing"), std::string::npos)
      << outcome.err;
}

} // namespace
} // namespace latticelens
