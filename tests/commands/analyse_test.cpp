// analyse on a tiny model: what it prints and writes, and what it refuses.
#include "core/json.h"
#include "core/run_directory.h"
#include "tests/commands/errors.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

using testing::expect_command_error;
using testing::run_program;

class AnalyseCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model", {.layers = 2});
    std::string text;
    for (int i = 0; i < 100; ++i)
      text += "Line " + std::to_string(i * i) + " of a text that is only long enough.\n";
    write_text(folder_ / "text.txt", text);
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> analyse(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"analyse", at("model"), "--window", "64", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::vector<std::string> with_text(std::vector<std::string> more) const {
    more.insert(more.end(), {"--text", at("text.txt")});
    return analyse(more);
  }
  testing::TemporaryFolder folder_;
};

TEST_F(AnalyseCommand, writes_what_it_prints_and_a_page) {
  const auto outcome = run_program(with_text({"--json", "--out", at("analysis")}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = parse_json(outcome.out, "stdout");
  EXPECT_EQ(json, read_json(folder_ / "analysis" / "analysis.json"));
  EXPECT_EQ(json["samples"], 8); // four stages in two layers
  for (const Json& row : json["analyses"])
    EXPECT_FALSE(row["sentence"].get<std::string>().empty()) << row["name"];
  const std::string page = read_text(folder_ / "analysis" / "report.html");
  for (const Json& row : json["analyses"])
    EXPECT_NE(page.find("\"name\":\"" + row["name"].get<std::string>() + "\""), std::string::npos);
  const auto again = run_program({"report", at("analysis"), "--out", at("page.html")});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(read_text(folder_ / "page.html"), page);
}

TEST_F(AnalyseCommand, prints_the_same_with_any_number_of_threads) {
  const auto one = run_program(with_text({}), "OMP_NUM_THREADS=1");
  const auto two = run_program(with_text({}), "OMP_NUM_THREADS=2");
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_NE(one.out.find("regular-blocks"), std::string::npos);
  EXPECT_EQ(one.out, two.out);
}

TEST_F(AnalyseCommand, looks_at_weights_without_a_text_and_at_chosen_layers) {
  const auto outcome =
      run_program(analyse({"--of", "weights", "--layers", "1", "--only", "positions", "--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = parse_json(outcome.out, "stdout");
  EXPECT_EQ(json["samples"], 7);
  ASSERT_EQ(json["analyses"].size(), 1u);
  EXPECT_EQ(json["analyses"][0]["numbers"].size(), 3u); // R1, R2, R4
}

TEST_F(AnalyseCommand, folded_gains_change_only_what_reads_a_norm) {
  const auto table_with = [&](const char* gains) {
    const auto outcome =
        run_program(with_text({"--only", "positions", "--json", "--gains", gains}));
    return parse_json(outcome.out, "stdout")["analyses"][0]["charts"][0]["rows"];
  };
  const Json folded = table_with("folded"), kept = table_with("kept");
  for (std::size_t i = 0; i < folded.size(); ++i)
    EXPECT_EQ(folded[i] == kept[i], !folded[i][0].get<std::string>().ends_with("_input"))
        << folded[i] << kept[i];
}

TEST_F(AnalyseCommand, refuses_what_it_cannot_do) {
  expect_command_error(analyse({}), "--text");
  expect_command_error(with_text({"--layers", "0,2"}), "layer 2 does not exist");
  expect_command_error(with_text({"--layers", "-1"}), "layer -1 does not exist");
  expect_command_error(with_text({"--only", "figure"}), "no analysis \"figure\"");
  expect_command_error(with_text({"--format", "int4"}), "whole row");
  expect_command_error(with_text({"--format", "mxfp4:64"}), "do not divide the 96 inputs");
  expect_command_error(with_text({"--format", "mxfp5"}), "mxfp5");
  expect_command_error({"analyse", at("none"), "--text", at("text.txt")}, "does not exist");
  expect_command_error(analyse({"--text", at("none.txt")}), "none.txt");
  EXPECT_EQ(run_program(with_text({"--rows", "0"})).exit_code, 2);
  EXPECT_EQ(run_program(with_text({"--of", "biases"})).exit_code, 2);
  EXPECT_EQ(run_program(with_text({"--outliers", "0.9"})).exit_code, 2);
  write_text(folder_ / "run.json", "{}");
  expect_command_error({"analyse", folder_.path().string(), "--text", at("text.txt")},
                       "original model");
}

TEST_F(AnalyseCommand, reads_a_real_model) {
  REQUIRE_DATA("models/TinyStories-656K");
  const auto model = testing::data_folder() / "models" / "TinyStories-656K";
  const auto outcome = run_program({"analyse", model.string(), "--text", at("text.txt"), "--window",
                                    "128", "--json", "--quiet"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = parse_json(outcome.out, "stdout");
  for (const Json& row : json["analyses"]) {
    if (row["name"] == "channels") {
      EXPECT_LT(row["numbers"]["energy_change"].get<double>(), 1e-5);
    }
  }
}

} // namespace
} // namespace latticelens
