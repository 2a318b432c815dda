#include "core/run_directory.h"
#include "tests/commands/errors.h"
#include "tests/support.h"
#include "tests/tiny_model.h"
#include "text/utf8.h"

namespace latticelens {
namespace {

using testing::expect_command_error;
using testing::run_program;

class CompareCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    testing::write_tiny_model(folder_ / "other", {.vocabulary = 100});
    std::string text;
    for (int i = 0; i < 60; ++i)
      text += "line " + std::to_string(i * i) + " of it\n";
    write_text(folder_ / "text.txt", text);
    ASSERT_EQ(
        run_program({"quantize", at("model"), "--preset", "rtn", "--out", at("run"), "--quiet"})
            .exit_code,
        0);
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> with_text(std::vector<std::string> words) const {
    for (const std::string& word : {std::string("--text"), at("text.txt"), std::string("--window"),
                                    std::string("64"), std::string("--quiet")})
      words.push_back(word);
    return words;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(CompareCommand, gives_what_evaluate_gives_and_the_places_that_differ_most) {
  const auto compared = run_program(with_text({"compare", at("model"), at("run"), "--json"}));
  ASSERT_EQ(compared.exit_code, 0) << compared.err;
  const Json json = parse_json(compared.out, "stdout");
  const Json evaluated = parse_json(
      run_program(with_text({"evaluate", at("run"), "--against", at("model"), "--json"})).out,
      "stdout");
  for (const char* key : {"perplexity", "original_perplexity", "kl", "top1_agreement", "windows"})
    EXPECT_EQ(json[key], evaluated[key]) << key;
  EXPECT_EQ(json["loss_changes"], evaluated["loss_changes"]);
  EXPECT_EQ(read_lines(at("run/metrics.jsonl")).back()["positions"], evaluated["positions"]);
  const Json& places = json["positions"];
  ASSERT_EQ(places.size(), 20u);
  for (std::size_t i = 0; i < places.size(); ++i) {
    EXPECT_GT(places[i]["kl"], json["kl"]);
    EXPECT_GE(places[i ? i - 1 : 0]["kl"], places[i]["kl"]);
    EXPECT_NE(
        read_text(at("text.txt"))
            .find(places[i]["before"].get<std::string>() + places[i]["token"].get<std::string>()),
        std::string::npos);
  }
  const Json& changes = json["loss_changes"];
  EXPECT_LT(changes["1%"], changes["50%"]);
  EXPECT_LT(changes["50%"], changes["99%"]);
  const auto table =
      run_program(with_text({"compare", at("model"), at("run"), "--positions", "3"}));
  EXPECT_NE(table.out.find("  3. KL "), std::string::npos) << table.out;
  EXPECT_EQ(table.out.find("  4. KL "), std::string::npos) << table.out;
}

TEST_F(CompareCommand, shows_whole_characters_where_tokens_are_single_bytes) {
  Json vocabulary = testing::tiny_vocabulary();
  for (char32_t code = 0xA1; code < 0x144; ++code) { // the rest of the byte alphabet
    std::string character;
    append_character(character, code);
    if (code != 0xAD && !vocabulary.contains(character))
      vocabulary[character] = vocabulary.size();
  }
  const auto size = static_cast<std::int64_t>(vocabulary.size());
  testing::write_tiny_model(folder_ / "bytes", {.vocabulary = size});
  testing::write_tiny_tokenizer(folder_ / "bytes", vocabulary);
  std::string repeated;
  for (int i = 0; i < 8; ++i)
    repeated += "日本の首都は東京である。";
  write_text(folder_ / "text.txt", repeated);
  ASSERT_EQ(
      run_program({"quantize", at("bytes"), "--preset", "rtn", "--out", at("small"), "--quiet"})
          .exit_code,
      0);
  const auto compared = run_program(with_text({"compare", at("bytes"), at("small"), "--json"}));
  ASSERT_EQ(compared.exit_code, 0) << compared.err;
  const Json printed = parse_json(compared.out, "stdout");
  for (const Json& place : printed["positions"]) {
    const auto before = place["before"].get<std::string>(),
               token = place["token"].get<std::string>();
    EXPECT_FALSE(token.empty());
    EXPECT_NE(repeated.find(before + token), std::string::npos) << before << "[" << token << "]";
  }
}

TEST_F(CompareCommand, a_model_differs_from_itself_nowhere) {
  const auto compared = run_program(with_text({"compare", at("run"), at("run"), "--json"}));
  ASSERT_EQ(compared.exit_code, 0) << compared.err;
  const Json json = parse_json(compared.out, "stdout");
  EXPECT_NEAR(json["kl"].get<double>(), 0, 1e-7);
  EXPECT_EQ(json["loss_changes"]["worse"], 0);
  EXPECT_EQ(json["loss_changes"]["99%"], 0);
}

TEST_F(CompareCommand, what_cannot_be_compared_is_one_clear_line) {
  expect_command_error(with_text({"compare", at("model"), at("other")}), "different sizes");
  expect_command_error(with_text({"compare", at("model"), at("run"), "--positions", "-1"}),
                       "--positions");
}

} // namespace
} // namespace latticelens
