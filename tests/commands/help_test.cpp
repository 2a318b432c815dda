#include "core/json.h"
#include "quantize/method.h"
#include "tests/commands/program.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

using testing::run_program;

TEST(Help, every_command_has_an_example) {
  for (const char* command :
       {"quantize", "evaluate", "generate", "compare", "bench", "report", "analyse", "inspect",
        "reduce", "export", "list", "logits", "tokenize"}) {
    const auto outcome = run_program({command, "--help"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_NE(outcome.out.find("Example: "), std::string::npos) << command;
  }
  EXPECT_EQ(run_program({"--version"}).out.rfind("latticelens ", 0), 0u);
  EXPECT_EQ(run_program({"no-such-command"}).exit_code, 2);
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
