#include "core/json.h"
#include "quantize/method.h"
#include "tests/commands/errors.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

using testing::run_program;

TEST(Help, every_command_has_an_example) {
  for (const char* command :
       {"quantize", "evaluate", "generate", "compare", "bench", "report", "analyse", "inspect",
        "reduce", "export", "convert", "list", "logits", "tokenize", "help", "completion", "man"}) {
    const auto outcome = run_program({command, "--help"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_NE(outcome.out.find("Example: "), std::string::npos) << command;
  }
  EXPECT_EQ(run_program({"--version"}).out.rfind("latticelens ", 0), 0u);
  EXPECT_EQ(run_program({"no-such-command"}).exit_code, 2);
}

TEST(Help, a_topic_is_a_command_or_a_text) {
  EXPECT_EQ(run_program({"help", "quantize"}).out, run_program({"quantize", "--help"}).out);
  const std::string overview = run_program({"help"}).out;
  EXPECT_EQ(overview.rfind(run_program({"--help"}).out, 0), 0u);
  for (const char* topic :
       {"ship", "research", "look-inside", "faq", "methods", "formats", "run-directory", "learning",
        "lattice", "lens", "analyses", "speed", "other-programs", "gguf", "conversions",
        "architecture", "exit-codes"}) {
    EXPECT_NE(overview.find(topic), std::string::npos) << topic;
    const auto outcome = run_program({"help", topic});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out.rfind("# ", 0), 0u) << topic;
  }
  testing::expect_command_error({"help", "nothing"}, "no topic \"nothing\"; known: ");
}

TEST(Help, methods_name_every_preset_and_rounding) {
  const std::string text = run_program({"help", "methods"}).out;
  for (const Preset& preset : presets())
    EXPECT_NE(text.find(preset.method), std::string::npos) << preset.name;
  for (const RoundingRow& rounding : roundings())
    EXPECT_NE(text.find(std::string("  ") + rounding.name), std::string::npos) << rounding.name;
}

TEST(Man, has_every_option_and_pleases_groff) {
  const std::string page = run_program({"man"}).out;
  for (const char* text :
       {".SS quantize", "\\fB\\-\\-preset\\fR \\fIPRESET\\fR", ".SH EXIT STATUS"})
    EXPECT_NE(page.find(text), std::string::npos) << text;
  EXPECT_TRUE(std::all_of(page.begin(), page.end(), [](char c) { return c > 0; })); // ASCII
  const auto formatted = testing::run_bash("$PROGRAM man | groff -man -ww -Tutf8 -P-c");
  EXPECT_EQ(formatted.exit_code, 0);
  EXPECT_EQ(formatted.err, "");
  EXPECT_NE(formatted.out.find("--calibration"), std::string::npos);
}

TEST(List, names_every_row_of_every_table) {
  const auto outcome = run_program({"list", "--json"});
  const Json json = parse_json(outcome.out, "stdout");
  EXPECT_EQ(json["presets"].size(), presets().size());
  for (const char* table : {"formats", "scale rules", "roundings", "transforms", "sites", "presets",
                            "families", "tasks"})
    EXPECT_FALSE(json[table].empty()) << table;
  EXPECT_NE(run_program({"list"}).out.find("brq"), std::string::npos);
}

TEST(Tokenize, reads_and_writes_a_json_object_a_line) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder / "model");
  write_text(folder / "texts.jsonl",
             "{\"text\": \"Hi, you\"}\n{\"text\": \"caf\u00e9 \u65e5\u672c\"}\n");
  const auto outcome = run_program(
      {"tokenize", (folder / "model").string(), "--jsonl", (folder / "texts.jsonl").string()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string first = outcome.out.substr(0, outcome.out.find('\n'));
  const Json json = parse_json(first, "stdout");
  EXPECT_EQ(json["decoded"], "Hi, you");
  EXPECT_EQ(json["ids"].size(), 7u);
  EXPECT_NE(outcome.err.find("8 bytes have no token"), std::string::npos) << outcome.err;
}

} // namespace
} // namespace latticelens
