#include "core/recorded_files.h"

#include "core/error.h"
#include "core/files.h"
#include "core/run_directory.h"
#include "tests/support.h"
#include <random>

namespace latticelens {
namespace {

std::string random_bytes(std::mt19937& random, std::size_t length) {
  std::string bytes(length, '\0');
  for (char& byte : bytes)
    byte = static_cast<char>(random());
  return bytes;
}

TEST(RecordedFiles, every_cut_and_every_flipped_bit_is_damage) {
  std::mt19937 random(5);
  const testing::TemporaryFolder folder;
  for (int trial = 0; trial < 200; ++trial) {
    const std::string bytes = random_bytes(random, 1 + random() % 5000);
    const auto write = [&](std::string_view text) { write_text(folder / "f", text); };
    write(bytes);
    const Json records = {{"f", record_of(folder / "f")}};
    EXPECT_TRUE(damaged_files(folder.path(), records, 1).empty());
    const std::size_t length = random() % bytes.size();
    write(std::string_view(bytes).substr(0, length));
    auto damaged = damaged_files(folder.path(), records, 1);
    ASSERT_EQ(damaged.size(), 1u);
    EXPECT_EQ(damaged[0].reason,
              "has " + std::to_string(length) + " of " + std::to_string(bytes.size()) + " bytes");
    std::string flipped = bytes;
    flipped[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    write(flipped);
    damaged = damaged_files(folder.path(), records, 1);
    ASSERT_EQ(damaged.size(), 1u);
    EXPECT_EQ(damaged[0].reason, "has other bytes than were written");
    std::filesystem::remove(folder / "f");
    EXPECT_EQ(damaged_files(folder.path(), records, 1).at(0).reason, "is missing");
  }
}

TEST(RecordedFiles, are_compared_on_any_number_of_threads_with_the_same_outcome) {
  std::mt19937 random(6);
  const testing::TemporaryFolder folder;
  Json records = Json::object();
  for (int i = 0; i < 40; ++i) {
    const std::string name = "file-" + std::to_string(i);
    write_text(folder / name, random_bytes(random, 100'000 * (i % 4)));
    records[name] = record_of(folder / name);
  }
  write_text(folder / "file-9", "");
  std::filesystem::remove(folder / "file-30");
  for (const int threads : {1, 2, 64}) {
    const auto damaged = damaged_files(folder.path(), records, threads);
    ASSERT_EQ(damaged.size(), 2u);
    EXPECT_EQ(damaged[0].name, "file-9");
    EXPECT_EQ(damaged[1].name, "file-30");
    EXPECT_ERROR(require_intact(folder.path(), records, threads),
                 "file-9: has 0 of 100000 bytes (and 1 more files); give the same quantize");
  }
}

TEST(RecordedFiles, records_that_are_none_are_errors) {
  const testing::TemporaryFolder folder;
  const Json good = {{"bytes", 0}, {"xxh3_128", ""}};
  for (const char* name : {"/etc/passwd", "../x", "a/../../x", "", "a/"})
    EXPECT_ERROR(damaged_files(folder.path(), {{name, good}}, 2), "lies outside the run");
  EXPECT_ERROR(damaged_files(folder.path(), {{"f", {{"bytes", -1}, {"xxh3_128", ""}}}}, 2),
               "negative size");
  EXPECT_ERROR(damaged_files(folder.path(), {{"f", {{"bytes", "1"}, {"xxh3_128", ""}}}}, 2),
               "bytes");
  EXPECT_ERROR(damaged_files(folder.path(), {{"f", {{"bytes", 1}}}}, 2), "xxh3_128");
  EXPECT_ERROR(records_in({{"files", 3}}), "is no object");
  EXPECT_TRUE(records_in(Json::object()).empty());
  EXPECT_EQ(records_in({{"files", {{"model/a", 1}, {"b", 2}}}}, "model/").size(), 1u);
}

TEST(RunDirectory, keeps_records_while_it_runs_and_of_all_files_at_the_end) {
  const testing::TemporaryFolder folder;
  const Json identity = {{"method", "m"}};
  {
    RunDirectory run(folder / "run", identity);
    run.write(false, {{"threads", 1}});
    write_text(run.model() / "model-1.safetensors", "shard");
    run.record("model/model-1.safetensors");
    write_text(run.path() / "rotations.safetensors", "matrix");
    run.record_learned();
  }
  const Json running = read_run(folder / "run");
  EXPECT_EQ(running["state"], "running");
  EXPECT_EQ(running["threads"], 1);
  EXPECT_EQ(running["files"].size(), 2u);
  RunDirectory run(folder / "run", identity);
  EXPECT_EQ(run.records(), running["files"]);
  run.forget("rotations.safetensors");
  EXPECT_EQ(read_run(folder / "run")["files"].size(), 1u);
  write_text(run.model() / "config.json", "{}");
  write_text(run.model() / "model-2.safetensors.partial", "half");
  write_text(run.path() / "layers.jsonl", "{}\n");
  write_text(run.path() / "metrics.jsonl", "{}\n");
  run.write(true, Json::object());
  std::vector<std::string> names;
  const Json finished = read_run(folder / "run");
  for (const auto& [name, record] : finished["files"].items())
    names.push_back(name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"layers.jsonl", "model/config.json",
                                      "model/model-1.safetensors", "rotations.safetensors"}));
  EXPECT_TRUE(damaged_files(folder / "run", finished["files"], 1).empty());
}

} // namespace
} // namespace latticelens
