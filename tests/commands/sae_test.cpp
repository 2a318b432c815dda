#include "core/run_directory.h"
#include "core/work_folder.h"
#include "sae/coder_form.h"
#include "tests/commands/errors.h"
#include "tests/support.h"
#include "tests/tiny_model.h"
#include <random>

namespace latticelens {
namespace {

using testing::expect_command_error;
using testing::folder_contents;
using testing::run_program;

class SaeCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    testing::write_tiny_model(folder_ / "later", {.biases = true});
    testing::write_tiny_model(folder_ / "wide", {.hidden = 96});
    for (int i = 0; i < 60; ++i) {
      std::string text;
      for (int j = 0; j < 12; ++j)
        text += "Line " + std::to_string((i * 37 + j * j) % 1000) + " of text " +
                std::to_string(i) + ".\n";
      std::filesystem::create_directories(folder_ / "text");
      write_text(folder_ / "text" / (std::to_string(i) + ".txt"), text);
    }
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> train(const std::string& out,
                                 const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {
        "sae",       at("model"), at("later"),  "--site",  "block:1,block:2",
        "--text",    at("text"),  "--sampling", "all:64",  "--expansion",
        "2",         "--k",       "4",          "--batch", "64",
        "--steps",   "30",        "--warm-up",  "5",       "--learning-rates",
        "1e-3,1e-2", "--out",     at(out),      "--json",  "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  /// With another value of one of its options.
  std::vector<std::string> train_with(const std::string& out, const std::string& option,
                                      const std::string& value) const {
    std::vector<std::string> words = train(out);
    *(std::find(words.begin(), words.end(), option) + 1) = value;
    return words;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(SaeCommand, trains_a_series_and_chooses_rates_that_evaluate_confirms) {
  const auto trained = run_program(train("saes"));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const Json saes = parse_json(trained.out, "stdout");
  ASSERT_EQ(saes["checkpoints"].size(), 2u);
  for (const Json& row : saes["checkpoints"]) {
    EXPECT_EQ(row["coders"].size(), 4u); // two sites, two rates
    ASSERT_EQ(row["chosen"].size(), 2u);
    for (const Json& chosen : row["chosen"])
      for (const Json& coder : row["coders"])
        if (coder["site"] == chosen["site"]) {
          EXPECT_LE(chosen["fvu_dataset"], coder["validation"]["fvu_dataset"]);
        }
    for (const Json& coder : row["coders"]) {
      const StoredCoder stored = read_coder(folder_ / "saes" / coder["folder"].get<std::string>());
      EXPECT_EQ(stored.coder.config.k, 4);
      EXPECT_EQ(stored.coder.weights.latents(), 128);
      EXPECT_EQ(coder["search_missed"], 0);
    }
  }
  const auto evaluated = run_program({"sae", "evaluate", at("saes"), "--text", at("text"),
                                      "--loss-windows", "4", "--json", "--quiet"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const Json result = parse_json(evaluated.out, "stdout");
  for (const Json& row : result["checkpoints"])
    for (const Json& coder : row["coders"]) {
      EXPECT_LT(coder["metrics"]["fvu_dataset"], 1);
      EXPECT_LE(coder["metrics"]["l0"], 4 + 1e-9);
      EXPECT_LT(coder["baselines"]["pca_k_fvu"], 1);
      EXPECT_GT(coder["loss"]["predictions"], 0);
      EXPECT_GE(coder["loss"]["kl_substituted"], -1e-6);
    }
  EXPECT_EQ(read_json(folder_ / "saes/evaluation.json"), result);
}

TEST_F(SaeCommand, a_killed_one_goes_on_to_the_same_bytes_at_any_thread_count) {
  const auto whole = run_program(train("whole"), "OMP_NUM_THREADS=1");
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  std::vector<std::string> again = train("cut", {"--save-every", "0", "--keep-activations"});
  for (const int milliseconds : {250, 400, 600})
    testing::run_and_kill(again, milliseconds);
  const auto ended = run_program(again, "OMP_NUM_THREADS=2");
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const auto weights = [&](const char* name) {
    std::vector<std::pair<std::string, std::string>> files;
    for (auto& [file, bytes] : folder_contents(folder_ / name))
      if (file.ends_with(".safetensors") || file.ends_with("cfg.json") ||
          file.ends_with("training.jsonl"))
        files.emplace_back(file, bytes);
    return files;
  };
  EXPECT_EQ(weights("cut"), weights("whole"));
  const auto nothing_left = run_program(again);
  EXPECT_EQ(nothing_left.exit_code, 0);
}

TEST_F(SaeCommand, two_processes_write_what_one_does) {
  const auto one = run_program(train("one"));
  ASSERT_EQ(one.exit_code, 0) << one.err;
  std::string words;
  for (const std::string& word : train("two"))
    words += " '" + word + "'";
  const std::string port = std::to_string(20000 + std::random_device()() % 20000);
  const auto two =
      testing::run_bash("export MASTER_ADDR=127.0.0.1 WORLD_SIZE=2 OMP_NUM_THREADS=1 "
                        "MASTER_PORT=" +
                        port + "; RANK=1 \"$PROGRAM\"" + words +
                        " & other=$!; RANK=0 \"$PROGRAM\"" + words + " && wait $other");
  ASSERT_EQ(two.exit_code, 0) << two.err;
  EXPECT_EQ(parse_json(two.out, "stdout")["processes"], 2); // one document: the other says nothing
  const auto files = [&](const char* name) {
    std::vector<std::pair<std::string, std::string>> all;
    for (auto& [file, bytes] : folder_contents(folder_ / name))
      if (file.ends_with(".safetensors") || file.ends_with("training.jsonl"))
        all.emplace_back(file, bytes);
    return all;
  };
  EXPECT_EQ(files("two"), files("one"));
}

TEST_F(SaeCommand, other_kinds_and_quantized_runs_are_checkpoints_too) {
  ASSERT_EQ(run_program({"quantize", at("model"), "--preset", "rtn", "--out", at("run"), "--quiet"})
                .exit_code,
            0);
  const auto trained = run_program({"sae",
                                    at("run"),
                                    "--site",
                                    "block:2",
                                    "--text",
                                    at("text"),
                                    "--sampling",
                                    "first:40",
                                    "--expansion",
                                    "2",
                                    "--k",
                                    "4",
                                    "--batch",
                                    "64",
                                    "--steps",
                                    "20",
                                    "--warm-up",
                                    "3",
                                    "--kind",
                                    "topk,batchtopk,matryoshka,jumprelu",
                                    "--learning-rates",
                                    "1e-2",
                                    "--multi",
                                    "--scaling",
                                    "mean_norm",
                                    "--out",
                                    at("saes"),
                                    "--json",
                                    "--quiet"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const Json saes = parse_json(trained.out, "stdout");
  EXPECT_EQ(saes["checkpoints"][0]["name"], "run");
  EXPECT_EQ(saes["checkpoints"][0]["chosen"].size(), 4u);
  const auto evaluated =
      run_program({"sae", "evaluate", at("saes"), "--text", at("text"), "--quiet"});
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
}

TEST_F(SaeCommand, bad_input_is_one_clear_line) {
  expect_command_error(
      {"sae", at("model"), "--site", "block:9", "--text", at("text"), "--out", at("x"), "--quiet"},
      "block:0 (the embedding) to block:2");
  expect_command_error(train_with("x", "--k", "200"), "smaller --k");
  expect_command_error(
      {"sae", at("model"), at("wide"), "--site", "block:1", "--text", at("text"), "--out", at("x")},
      "one shape");
  expect_command_error(
      {"sae", at("model"), "--site", "block:1", "--text", at("model"), "--out", at("x")},
      "no text in it");
  expect_command_error(train_with("x", "--sampling", "first:5000"), "--sampling all:256");
  expect_command_error(train("x", {"--kind", "gated"}), "known: topk");
  expect_command_error({"sae", at("model"), "--site", "block:1"}, "--text");
  const auto alone = run_program(train("x"), "WORLD_SIZE=2 RANK=5");
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_NE(alone.err.find("MASTER_ADDR"), std::string::npos) << alone.err;
  expect_command_error({"sae", "evaluate", at("model"), "--text", at("text")}, "no sae.json");
  ASSERT_EQ(run_program(train("saes")).exit_code, 0);
  expect_command_error(train_with("saes", "--steps", "31"), "belongs to another sae");
}

} // namespace
} // namespace latticelens
