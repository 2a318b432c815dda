// The table of methods on a real model in seconds: the everyday check that none of them gets worse.
#include "core/json.h"
#include "quantize/method.h"
#include "tests/commands/program.h"
#include "tests/support.h"

namespace latticelens {
namespace {

/// A preset for heads of 16: R2 spans a head instead of blocks of 32.
std::string fitted(const std::string& preset) {
  std::string text = to_text(preset_method(preset));
  const std::string wide = "hadamard:32@value_output";
  if (const std::size_t at = text.find(wide); at != std::string::npos)
    text.replace(at, wide.size(), "hadamard@value_output");
  return text;
}

TEST(MethodsTable, divergences_of_the_presets_are_in_their_order_on_TinyStories) {
  REQUIRE_DATA("models/TinyStories-656K");
  const auto data = testing::data_folder();
  const testing::TemporaryFolder folder;
  const std::vector<std::string> presets = {"rtn",       "gptq", "quarot", "quarot+",
                                            "omniquant", "brq",  "lens",   "lens-online"};
  std::string rows;
  for (const std::string& preset : presets)
    rows += preset + ": " + fitted(preset) + "\n";
  write_text(folder / "rows.txt", rows);
  const std::string text = read_text(data / "text/boolq_val_passages.txt");
  const std::size_t middle = text.find('\n', 150000) + 1, end = text.find('\n', 250000) + 1;
  write_text(folder / "calibration.txt", text.substr(0, middle));
  write_text(folder / "text.txt", text.substr(middle, end - middle));
  const auto outcome = testing::run_program(
      {"bench", (data / "models/TinyStories-656K").string(), "--methods",
       (folder / "rows.txt").string(), "--calibration", (folder / "calibration.txt").string(),
       "--window", "256", "--windows", "64", "--text", (folder / "text.txt").string(),
       "--evaluation-windows", "24", "--out", (folder / "out").string(), "--json", "--quiet"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  std::map<std::string, double> divergence;
  const Json table = parse_json(outcome.out, "stdout");
  for (const Json& row : table["rows"])
    divergence[row["name"].get<std::string>()] = row["kl"].get<double>();
  const auto expect_order = [&](const char* better, const char* worse, double share) {
    EXPECT_LT(divergence.at(better), share * divergence.at(worse)) << better << " " << worse;
  };
  expect_order("quarot", "rtn", 1.0);
  expect_order("gptq", "rtn", 0.9);
  expect_order("omniquant", "rtn", 1.0);
  expect_order("quarot+", "gptq", 0.95);
  expect_order("brq", "gptq", 0.95);
  expect_order("lens", "brq", 0.9);
  expect_order("lens-online", "lens", 0.9);
}

} // namespace
} // namespace latticelens
