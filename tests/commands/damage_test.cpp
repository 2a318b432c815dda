// A run's own files, cut, flipped or removed after they were written: every command that reads them
// says so before it says a number, and the same quantize command makes anew what it can.
#include "core/error.h"
#include "core/json.h"
#include "core/run_directory.h"
#include "quantize/packed_model.h"
#include "tests/commands/errors.h"
#include "tests/support.h"
#include "tests/tiny_model.h"
#include <random>

namespace latticelens {
namespace {

namespace fs = std::filesystem;
using testing::expect_command_error;
using testing::folder_contents;
using testing::run_program;

const std::string own_files = "permute=graded rotate=aware@value_output importance=gradient",
                  learned_rotations =
                      "rotate=hadamard:32@residual learn=rotations:steps=2,tokens=64",
                  learned_weights = "smooth=0.5 learn=weights:steps=2,tokens=64",
                  learned_codes = "rotate=hadamard:32@residual learn=codes:steps=2,tokens=64";

class Damage : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    std::string text;
    for (int i = 0; i < 100; ++i)
      text += "Line " + std::to_string(i * i) + " of a text that is only long enough.\n";
    write_text(folder_ / "text.txt", text);
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> quantize(const std::string& more) const {
    return {"quantize",      at("model"),
            "--method",      "weight=mxfp4 activation=mxfp4 rounding=gptq " + more,
            "--calibration", at("text.txt"),
            "--window",      "64",
            "--windows",     "8",
            "--out",         at("run")};
  }
  /// A finished run in "run", its files in "whole".
  void make(const std::string& more) const {
    fs::remove_all(folder_ / "run");
    const auto made = run_program(quantize(more));
    ASSERT_EQ(made.exit_code, 0) << made.err;
    fs::remove_all(folder_ / "whole");
    fs::copy(folder_ / "run", folder_ / "whole", fs::copy_options::recursive);
  }
  void restore() const {
    fs::remove_all(folder_ / "run");
    fs::copy(folder_ / "whole", folder_ / "run", fs::copy_options::recursive);
  }
  std::vector<std::string> recorded() const {
    std::vector<std::string> names;
    const Json run = read_run(folder_ / "whole");
    for (const auto& [name, record] : run["files"].items())
      names.push_back(name);
    return names;
  }
  /// Damages one file of the run and returns what an error should say of it.
  std::string damage(const std::string& name, int kind) {
    const fs::path file = folder_ / "run" / name;
    std::string bytes = read_text(file);
    const std::string size = std::to_string(bytes.size());
    if (kind == 0) {
      fs::remove(file);
      return file.string() + ": is missing";
    }
    if (kind == 1) {
      bytes.resize(random_() % bytes.size());
      write_text(file, bytes);
      return file.string() + ": has " + std::to_string(bytes.size()) + " of " + size + " bytes";
    }
    bytes[random_() % bytes.size()] ^= static_cast<char>(1 << random_() % 8);
    write_text(file, bytes);
    return file.string() + ": has other bytes than were written";
  }
  void write_state(const std::string& state) const {
    Json run = read_run(folder_ / "run");
    run["state"] = state;
    write_text(folder_ / "run/run.json", run.dump());
  }

  testing::TemporaryFolder folder_;
  std::mt19937 random_{9};
};

TEST_F(Damage, to_any_file_of_the_model_is_found_when_it_is_opened) {
  make("rotate=hadamard:32@residual,hadamard:32@down_input");
  int files = 0;
  for (const std::string& name : recorded())
    if (name.starts_with("model/"))
      for (int trial = 0; trial < 12; ++trial) {
        restore();
        const std::string says = damage(name, trial % 3);
        EXPECT_ERROR(open_model(folder_ / "run"), says);
        EXPECT_ERROR(open_model(folder_ / "run/model/"), says);
        EXPECT_ERROR(open_model(folder_ / "run"), "give the same quantize command again");
        files += trial == 0;
      }
  EXPECT_EQ(files, 3 + 3); // shards; the index, config.json and tokenizer.json
}

TEST_F(Damage, to_run_json_is_found_wherever_it_is) {
  make("");
  const std::string whole = read_text(folder_ / "run/run.json");
  const std::size_t own_key = whole.find("\"checksum\""); // without it all else counts as before
  for (std::size_t i = 0; i < own_key; i += 1 + random_() % 8) {
    std::string bytes = whole;
    bytes[i] ^= static_cast<char>(1 << random_() % 7);
    write_text(folder_ / "run/run.json", bytes);
    if (std::isspace(static_cast<unsigned char>(whole[i])) || whole[i] == 'e')
      continue; // between its parts; 1e-5 and 1E-5 are one number
    EXPECT_ANY_THROW(read_run(folder_ / "run")) << bytes.substr(i < 40 ? 0 : i - 40, 80);
  }
  expect_command_error({"generate", at("run"), "--prompt", "Line"}, "run.json");
}

TEST_F(Damage, is_said_by_every_command_in_one_line) {
  make("");
  const std::string shard = "model/model-00002-of-00003.safetensors";
  const std::string says = damage(shard, 2);
  expect_command_error({"evaluate", at("run"), "--text", at("text.txt"), "--window", "64"}, says);
  expect_command_error({"generate", at("run"), "--prompt", "Line"}, says);
  expect_command_error({"export", at("run"), "--out", at("plain")}, says);
  expect_command_error({"export", at("run"), "--format", "gguf", "--out", at("a.gguf")}, says);
  expect_command_error({"compare", at("model"), at("run"), "--text", at("text.txt")}, says);
  expect_command_error({"inspect", at("run"), "--layer", "model.layers.1.mlp.down_proj"}, says);
  EXPECT_FALSE(fs::exists(at("plain")) || fs::exists(at("a.gguf")));
  restore();
  expect_command_error({"report", at("run"), "--quiet"}, damage("layers.jsonl", 2));
}

TEST_F(Damage, to_what_calibration_and_learning_left_is_found_by_those_who_read_it) {
  for (const auto& [method, count] : std::vector<std::pair<std::string, int>>{
           {own_files, 3}, {learned_rotations, 1}, {learned_weights, 3}}) {
    SCOPED_TRACE(method);
    make(method);
    int files = 0;
    for (const std::string& name : recorded())
      if (!name.starts_with("model/") && name != "layers.jsonl")
        for (int kind = 0; kind < 3; ++kind) {
          restore();
          const std::string says = damage(name, kind);
          expect_command_error(
              {"inspect", at("run"), "--layer", "model.layers.1.mlp.down_proj", "--quiet"}, says);
          auto again = quantize(method);
          again.push_back("--quiet");
          expect_command_error(again, says);
          write_state("running"); // a run that goes on does not trust it either
          expect_command_error(again, "and quantize again");
          files += kind == 0;
        }
    EXPECT_EQ(files, count);
  }
}

TEST_F(Damage, to_the_model_is_mended_by_the_same_command) {
  make(own_files);
  const auto expected = folder_contents(at("whole/model"));
  for (const std::string& name : recorded())
    if (name.starts_with("model/"))
      for (const std::string state : {"finished", "running"}) {
        SCOPED_TRACE(name + " " + state);
        restore();
        const std::string says = damage(name, static_cast<int>(random_() % 3));
        write_state(state);
        const auto again = run_program(quantize(own_files));
        ASSERT_EQ(again.exit_code, 0) << again.err;
        EXPECT_NE(again.err.find(says + "; made anew"), std::string::npos) << again.err;
        EXPECT_EQ(folder_contents(at("run/model")), expected);
        EXPECT_EQ(read_text(at("run/layers.jsonl")), read_text(at("whole/layers.jsonl")));
        EXPECT_EQ(read_run(at("run"))["files"], read_run(at("whole"))["files"]);
        const auto third = run_program(quantize(own_files));
        EXPECT_NE(third.err.find("nothing to do"), std::string::npos) << third.err;
      }
}

TEST_F(Damage, to_learned_codes_cannot_be_mended_and_leaves_the_folder_as_it_is) {
  make(learned_codes);
  damage("model/model-00001-of-00003.safetensors", 2);
  const auto before = folder_contents(at("run"));
  expect_command_error(quantize(learned_codes), "remove " + at("run") + " and quantize again");
  EXPECT_EQ(folder_contents(at("run")), before);
}

TEST_F(Damage, cannot_be_seen_in_runs_without_records_which_open_as_before) {
  make("");
  Json run = read_run(at("run"));
  run.erase("files");
  write_text(folder_ / "run/run.json", run.dump());
  EXPECT_TRUE(open_model(folder_ / "run").quantized);
  const auto again = run_program(quantize(""));
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_NE(again.err.find("nothing to do"), std::string::npos);
}

} // namespace
} // namespace latticelens
