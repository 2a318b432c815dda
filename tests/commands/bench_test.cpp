#include "core/json.h"
#include "core/run_directory.h"
#include "tests/commands/errors.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

using testing::expect_command_error;
using testing::run_program;

const std::string four_bits = "weight=mxfp4/away activation=mxfp4/away ";

/// A tiny model, a text, and a file of three rows, one of which does not fit the model.
class BenchCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model", {.layers = 1});
    make_directory(folder_ / "data");
    std::string text;
    for (int i = 0; i < 40; ++i)
      text += "Line " + std::to_string(i * i) + " of a text that is only long enough.\n";
    write_text(folder_ / "text.txt", text);
    write_text(folder_ / "rows.txt",
               "# comment\nrtn: " + four_bits + "\n\ngptq, ours: " + four_bits +
                   "rounding=gptq\nwide: " + four_bits + "rotate=hadamard:64@value_output\n");
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> command(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"bench",
                                      at("model"),
                                      "--calibration",
                                      at("text.txt"),
                                      "--window",
                                      "32",
                                      "--out",
                                      at("out"),
                                      "--windows",
                                      "4",
                                      "--evaluation-windows",
                                      "3",
                                      "--text",
                                      at("text.txt")};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Json table(const std::vector<std::string>& more) const {
    std::vector<std::string> words = command(more);
    words.insert(words.end(), {"--json", "--quiet"});
    const auto outcome = run_program(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(parse_json(outcome.out, "stdout"), read_work_file(at("out/bench.json")));
    return parse_json(outcome.out, "stdout");
  }
  testing::TemporaryFolder folder_;
};

/// A row without what a clock or the memory says.
Json numbers_of(Json row) {
  for (const char* key : {"seconds", "evaluate_seconds", "peak_memory"})
    row.erase(key);
  return row;
}

TEST_F(BenchCommand, a_row_that_is_done_again_has_the_same_numbers_as_quantize_and_evaluate) {
  const Json first = table({"--methods", at("rows.txt")});
  ASSERT_EQ(first["rows"].size(), 3u);
  EXPECT_EQ(first["state"], "finished");
  EXPECT_EQ(first["rows"][0]["rtn_excess_removed"], 0);
  EXPECT_EQ(first["rows"][0]["bits_per_weight"], 4.25);
  EXPECT_NE(first["rows"][2]["skipped"].get<std::string>().find("do not divide"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(at("out/rows/rtn/model")));
  EXPECT_FALSE(std::filesystem::exists(at("out/original.safetensors")));

  const std::string kept = read_text(at("out/rows/rtn/row.json"));
  std::filesystem::remove(at("out/rows/gptq--ours/row.json"));
  const Json second = table({"--methods", at("rows.txt"), "--keep-models"});
  EXPECT_EQ(read_text(at("out/rows/rtn/row.json")), kept);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(numbers_of(first["rows"][i]), numbers_of(second["rows"][i]));

  const auto alone =
      run_program({"evaluate", at("out/rows/gptq--ours"), "--text", at("text.txt"), "--window",
                   "32", "--windows", "3", "--against", at("model"), "--json", "--quiet"});
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  const Json evaluated = parse_json(alone.out, "stdout");
  for (const char* key : {"perplexity", "original_mean_nll", "kl", "top1_agreement"})
    EXPECT_EQ(evaluated[key], second["rows"][1][key]) << key;
}

TEST_F(BenchCommand, an_axis_shows_what_does_not_fit_and_names_its_rows) {
  const auto outcome = run_program(command({"--axis", "rotation-size"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("row 2 of 5: brq 16"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("row 4 of 5: brq 64 (skipped)"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.out.find("skipped: [hadamard] blocks of 64 do not divide the width 96"),
            std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("\noriginal "), std::string::npos) << outcome.out;
}

TEST_F(BenchCommand, rows_whose_blocks_divide_run_at_every_granularity) {
  const Json json = table({"--axis", "granularity"});
  for (const Json& row : json["rows"]) {
    const auto name = row["name"].get<std::string>(); // the tiny model's widths are 64, 96 and 128
    const bool fits = name.find(":16 ") != std::string::npos ||
                      name.find(":32 ") != std::string::npos ||
                      name.find(":row ") != std::string::npos;
    EXPECT_EQ(row.contains("skipped"), !fits) << to_text(row);
  }
}

TEST_F(BenchCommand, tasks_have_a_column) {
  std::string piqa;
  for (int i = 0; i < 6; ++i)
    piqa += to_text({{"goal", "count to " + std::to_string(i)},
                     {"sol1", "one, two"},
                     {"sol2", "apples and pears"},
                     {"label", i % 2}}) +
            "\n";
  write_text(folder_ / "data/piqa.jsonl", piqa);
  write_text(folder_ / "rows.txt",
             "rtn: " + four_bits + "\nr1: " + four_bits + "rotate=hadamard@residual\n");
  const std::vector<std::string> words = {"--methods", at("rows.txt"), "--tasks", "piqa",
                                          "--data",    at("data"),     "--limit", "5"};
  const Json json = table(words);
  for (const Json& row : json["rows"]) {
    EXPECT_EQ(row["tasks"]["tasks"][0]["items"], 5);
    EXPECT_TRUE(row["tasks"]["mean"].contains("original"));
  }
  const auto shown = run_program(command(words));
  EXPECT_NE(shown.out.find("tasks %"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("±"), std::string::npos) << shown.out;
}

TEST_F(BenchCommand, wrong_input_gives_one_line) {
  const auto quiet = [&](std::vector<std::string> more) {
    more.emplace_back("--quiet");
    return command(more);
  };
  expect_command_error(quiet({}), "give one of --preset, --axis and --methods");
  expect_command_error(quiet({"--preset", "paper", "--axis", "format"}), "give one of --preset");
  expect_command_error(quiet({"--preset", "none"}), "preset \"none\" is unknown; known: paper");
  expect_command_error(quiet({"--axis", "none"}),
                       "axis \"none\" is unknown; known: format, rotation-size");
  write_text(folder_ / "bad.txt", "rtn: " + four_bits + "\nother: weight=float\n");
  expect_command_error(quiet({"--methods", at("bad.txt")}), "bad.txt line 2: [format] \"float\"");
  write_text(folder_ / "bad.txt", "a b: " + four_bits + "\na,b: " + four_bits);
  expect_command_error(quiet({"--methods", at("bad.txt")}), "would have the same folder");
  write_text(folder_ / "one.txt", "rtn: " + four_bits);
  table({"--methods", at("one.txt")});
  expect_command_error(quiet({"--methods", at("one.txt"), "--seed", "1"}),
                       "belongs to another bench (seed is 0 there, 1 here); choose another --out");
  write_text(folder_ / "one.txt", "rtn: weight=int4");
  expect_command_error(quiet({"--methods", at("one.txt"), "--json"}), "give the row another name");
}

} // namespace
} // namespace latticelens
