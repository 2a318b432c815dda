// Tables of bench and runs beside each other.
#include "core/error.h"
#include "report/page.h"
#include "tests/report/synthetic_run.h"

namespace latticelens::report {
namespace {

using testing::synthetic_table_row, testing::synthetic_run_json, testing::TemporaryFolder;

TEST(Comparison, shows_a_tables_rows_in_its_order_and_those_of_earlier_tables_behind) {
  const TemporaryFolder folder;
  testing::write_table(folder / "bench", {{"rtn", 1.5}, {"brq", 0.5}}, {{"an-old-one", 0.7}});
  const std::vector<ComparedRun> runs = read_compared({folder / "bench"});
  ASSERT_EQ(runs.size(), 4u);
  EXPECT_EQ(runs[0].name, "rtn");
  EXPECT_EQ(runs[1].name, "brq");
  EXPECT_EQ(runs[1].evaluation->kl, 0.5);
  EXPECT_EQ(runs[1].bits_per_weight, 4.25);
  EXPECT_EQ(runs[1].baseline, "rtn");
  EXPECT_EQ(runs[2].name, "too large");
  EXPECT_EQ(runs[2].obstacle, "the width is no multiple of 64");
  EXPECT_FALSE(runs[2].failed);
  EXPECT_EQ(runs[3].name, "an-old-one");
}

TEST(Comparison, links_to_the_rows_own_pages_only_when_there_are_some) {
  const TemporaryFolder folder;
  testing::write_table(folder / "bench", {{"rtn", 1.5}}, {});
  const std::vector<ComparedRun> runs = read_compared({folder / "bench"});
  const Json linked = comparison_json(runs, folder / "bench");
  EXPECT_EQ(linked["runs"][0]["page"], "rows/rtn/report.html");
  EXPECT_EQ(linked["runs"][0]["layers"].size(), 2u);
  EXPECT_TRUE(comparison_json(runs, std::nullopt)["runs"][0]["page"].is_null());
}

TEST(Comparison, tells_runs_of_the_same_name_apart_by_their_folders) {
  const TemporaryFolder folder;
  for (const char* name : {"a/run", "b/run", "c"})
    testing::write_run(folder / name, synthetic_run_json(), testing::synthetic_rows(),
                       {testing::synthetic_evaluation()});
  const std::vector<ComparedRun> runs =
      read_compared({folder / "a/run", folder / "b/run", folder / "c"});
  EXPECT_EQ(runs[0].name, (folder / "a/run").string());
  EXPECT_EQ(runs[1].name, (folder / "b/run").string());
  EXPECT_EQ(runs[2].name, "c");
  EXPECT_EQ(runs[2].calibrated_on, 4);
  const Json json = comparison_json(runs, std::nullopt);
  EXPECT_EQ(json["runs"][2]["layers"][0], 0.005);
}

TEST(Comparison, hostile_tables_are_errors_that_name_the_file) {
  const TemporaryFolder folder;
  const auto read_with = [&](const Json& bench) {
    std::filesystem::create_directories(folder / "bench");
    write_text(folder / "bench" / "bench.json", to_text(bench));
    return read_compared({folder / "bench"});
  };
  EXPECT_ERROR(read_with({{"rows", 1}}), "list");
  EXPECT_ERROR(read_with({{"rows", {1}}}), "bench.json rows");
  EXPECT_ERROR(read_with({{"rows", {{{"name", "x"}, {"seconds", -1}}}}}), "outside");
  EXPECT_ERROR(read_with({{"rows", {{{"name", "x"}, {"tasks", 1}}}}}), "object");
  EXPECT_ERROR(read_compared({folder / "nowhere"}), "no run.json");
}

} // namespace
} // namespace latticelens::report
