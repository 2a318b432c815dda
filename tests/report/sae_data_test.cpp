// Folders of autoencoders: what is read, what is refused, and the page of it.
#include "core/error.h"
#include "report/page.h"
#include "report/sae_json.h"
#include "tests/report/synthetic_saes.h"

namespace latticelens::report {
namespace {

using testing::synthetic_sae_evaluation, testing::synthetic_sae_json, testing::TemporaryFolder,
    testing::write_saes;

void expect_refused(const char* pointer, const Json& value, const std::string& part) {
  const TemporaryFolder folder;
  write_saes(folder / "saes", synthetic_sae_json());
  Json json = synthetic_sae_json();
  json[Json::json_pointer(pointer)] = value;
  write_text(folder / "saes" / "sae.json", to_text(json));
  try {
    read_sae_data(folder / "saes");
    FAIL() << pointer << " is not refused";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_NE(message.find("sae.json"), std::string::npos) << message;
  }
}

TEST(SaeData, joins_the_files) {
  const TemporaryFolder folder;
  write_saes(folder.path(), synthetic_sae_json());
  write_text(folder / "evaluation.json", to_text(synthetic_sae_evaluation()));
  ASSERT_TRUE(is_sae_folder(folder.path()));
  const SaeData data = read_sae_data(folder.path());
  EXPECT_TRUE(data.finished);
  EXPECT_TRUE(data.evaluated);
  EXPECT_EQ(data.planned, 2);
  ASSERT_EQ(data.checkpoints.size(), 2u);
  EXPECT_EQ(data.checkpoints[0].step, 0.0);
  EXPECT_EQ(data.checkpoints[1].held_out_loss[1].first, "日本語");
  const CoderRow& coder = data.checkpoints[1].coders[1];
  EXPECT_TRUE(coder.chosen);
  EXPECT_FALSE(data.checkpoints[1].coders[0].chosen);
  EXPECT_EQ(coder.why, "least fvu_dataset on the validation part");
  EXPECT_EQ(coder.validation.fvu_dataset, 0.0625);
  EXPECT_EQ(coder.validation.density->counts[1], 40);
  EXPECT_EQ(coder.evaluation->pca_fvu, 0.05);
  EXPECT_EQ(coder.evaluation->loss_recovered_kl, 0.85);
  EXPECT_FALSE(data.checkpoints[0].coders[1].evaluation);
  ASSERT_EQ(coder.training.size(), 3u);
  EXPECT_EQ(coder.training[1].fvu, 0.25);
}

TEST(SaeData, is_a_page) {
  const TemporaryFolder folder;
  Json sae = synthetic_sae_json();
  sae["checkpoints"][0]["coders"][0]["site"] = "</script><b>";
  write_saes(folder.path(), sae);
  const SaeData data = read_sae_data(folder.path());
  const Json json = parse_json(to_text(sae_json(data)), "json");
  EXPECT_EQ(json["evaluated"], false);
  EXPECT_TRUE(json["checkpoints"][1]["coders"][1]["evaluation"].is_null());
  EXPECT_EQ(json["checkpoints"][1]["coders"][1]["training"][2][0], 3);
  EXPECT_EQ(sae_page(data).find("</script><b>"), std::string::npos);
  const Json numbers = sae_key_numbers(data);
  EXPECT_EQ(numbers["coders"], 4);
  EXPECT_EQ(numbers["fvu_dataset"], 0.0625);
  EXPECT_EQ(numbers["dead"], 0.5);
}

TEST(SaeData, thins_long_logs) {
  const TemporaryFolder folder;
  write_saes(folder.path(), synthetic_sae_json(), 1001);
  const std::vector<TrainingPoint> curve =
      read_sae_data(folder.path()).checkpoints[0].coders[0].training;
  ASSERT_EQ(curve.size(), training_points);
  EXPECT_EQ(curve.front().step, 1);
  EXPECT_EQ(curve.back().step, 1001);
}

TEST(SaeData, may_have_only_begun) {
  const TemporaryFolder folder;
  write_text(folder / "sae.json", R"({"state":"running"})");
  const SaeData data = read_sae_data(folder.path());
  EXPECT_FALSE(data.finished);
  EXPECT_TRUE(sae_key_numbers(data)["fvu_dataset"].is_null());
  Json sae = synthetic_sae_json();
  sae["checkpoints"][0] = {{"name", "step-0"}, {"coders", Json::array()}};
  write_saes(folder.path(), sae);
  std::filesystem::remove(folder / "step-100" / "training.jsonl");
  EXPECT_FALSE(known(read_sae_data(folder.path()).checkpoints[0].step));
}

TEST(SaeData, refuses_what_is_no_folder_of_autoencoders) {
  expect_refused("/checkpoints", 1, "list");
  expect_refused("/checkpoints/0", "x", "objects");
  expect_refused("/checkpoints/0/name", "../elsewhere", "no folder's name");
  expect_refused("/checkpoints/0/name", "..", "no folder's name");
  expect_refused("/checkpoints/0/name", "step-100", "stands twice");
  expect_refused("/checkpoints/0/step", -1, "outside");
  expect_refused("/checkpoints/0/held_out_loss", 3, "object");
  expect_refused("/checkpoints/0/coders/0/folder", 3, "folder");
  expect_refused("/checkpoints/0/coders/1/folder", "step-0/block-1/topk-n64-k4-lr0.001-seed0",
                 "stands twice");
  expect_refused("/checkpoints/0/coders/0/latents", 1e300, "latents");
  expect_refused("/checkpoints/0/coders/0/search_missed", 257, "more than were checked");
  expect_refused("/checkpoints/0/coders/0/validation/dead", 2, "outside");
  expect_refused("/checkpoints/0/coders/0/validation/fvu_dataset", "small", "fvu_dataset");
  expect_refused("/checkpoints/0/coders/0/validation/log10_frequency/counts/0", -1, "latents");
  expect_refused("/checkpoints/0/coders/0/validation/log10_frequency/step", 0, "above 0");
  expect_refused("/checkpoints/0/chosen/0/folder", "another", "none of the coders");
  expect_refused("/text", Json::array({1}), "strings");
}

TEST(SaeData, names_the_file_that_is_damaged) {
  const TemporaryFolder folder;
  write_saes(folder.path(), synthetic_sae_json());
  const std::string evaluation = to_text(synthetic_sae_evaluation());
  write_text(folder / "evaluation.json", evaluation.substr(0, evaluation.size() / 2));
  EXPECT_ERROR(read_sae_data(folder.path()), "evaluation.json");
  Json wrong = synthetic_sae_evaluation();
  wrong["checkpoints"][0]["coders"][0]["baselines"] = "none";
  write_text(folder / "evaluation.json", to_text(wrong));
  EXPECT_ERROR(read_sae_data(folder.path()), "evaluation.json");
  write_text(folder / "evaluation.json", to_text(synthetic_sae_evaluation()));
  write_text(folder / "step-0" / "training.jsonl", R"({"step":1}
{"step":2,"lo)");
  EXPECT_ERROR(read_sae_data(folder.path()), "training.jsonl line 2");
  write_text(folder / "step-0" / "training.jsonl", "[1]\n");
  EXPECT_ERROR(read_sae_data(folder.path()), "training.jsonl line 1");
  write_text(folder / "sae.json", "{");
  EXPECT_ERROR(read_sae_data(folder.path()), "sae.json");
  write_text(folder / "sae.json", "[]");
  EXPECT_ERROR(read_sae_data(folder.path()), "sae.json");
}

} // namespace
} // namespace latticelens::report
