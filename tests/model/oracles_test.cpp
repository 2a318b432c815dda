// Logits against other programs'.
#include "core/error.h"
#include "core/json.h"
#include "model/model.h"
#include "tensor/safetensors.h"
#include "tests/family_oracles.h"
#include <ATen/ATen.h>
#include <fstream>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

Tensor logits(const Model& model, const Tensor& ids) {
  const Linear head = load_head(model);
  std::vector<Tensor> rows;
  for (const Tensor& x : run_decoder(model, ids.unbind(0)))
    rows.push_back(head(x));
  return at::stack(rows);
}

class FamilyOracle : public ::testing::TestWithParam<std::string> {};

TEST_P(FamilyOracle, gives_the_logits_of_transformers_with_both_spellings_of_the_config) {
  const fs::path folder = testing::family_oracle(GetParam());
  REQUIRE_DATA(fs::path("oracles/families") / GetParam());
  const SafetensorsFile oracle(folder / "oracle.safetensors");
  const Tensor ids = oracle.load("input_ids"), expected = oracle.load("logits");
  const auto difference = [&](const fs::path& path) {
    return (logits(open_plain_model(path), ids) - expected).abs().max().item<double>();
  };
  RecordProperty("difference", std::to_string(difference(folder)));
  EXPECT_LE(difference(folder), 2e-4);

  const testing::TemporaryFolder hub;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename() != "config.json")
      fs::create_symlink(fs::absolute(entry.path()), hub / entry.path().filename().string());
  fs::copy_file(folder / "config_hub.json", hub / "config.json");
  EXPECT_LE(difference(hub.path()), 2e-4);
}

INSTANTIATE_TEST_SUITE_P(Families, FamilyOracle, ::testing::ValuesIn(testing::family_oracles()),
                         [](const auto& family) {
                           std::string name = family.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

template<typename T>
Tensor read_raw(const fs::path& path, at::ScalarType type) {
  const std::string bytes = read_text(path);
  return at::from_blob(const_cast<char*>(bytes.data()),
                       {static_cast<std::int64_t>(bytes.size() / sizeof(T))}, type)
      .clone();
}

TEST(Stories260K, gguf_gives_the_logits_of_llama2_c) {
  REQUIRE_DATA("models/gguf/stories260K.gguf");
  const Model model = open_plain_model(testing::data_folder() / "models/gguf/stories260K.gguf");
  const fs::path reference = testing::data_folder() / "reference/llama2c";
  const Tensor ids =
      read_raw<std::int32_t>(reference / "stories260K.tokens.i32", at::kInt).to(at::kLong);
  const Tensor expected =
      read_raw<float>(reference / "stories260K.logits.f32", at::kFloat).view({ids.numel(), 512});
  const Tensor actual = logits(model, ids.unsqueeze(0))[0];
  EXPECT_LE((actual - expected).abs().max().item<double>(), 2e-4);
}

TEST(TinyStories656K, a_tied_head_stored_under_the_heads_name_is_found_and_gguf_agrees) {
  REQUIRE_DATA("models/TinyStories-656K");
  const Tensor ids = (at::arange(64, at::kLong) * 37 % 2048).view({1, 64});
  const Tensor folder =
      logits(open_plain_model(testing::data_folder() / "models/TinyStories-656K"), ids);
  const Tensor gguf = logits(
      open_plain_model(testing::data_folder() / "models/gguf/TinyStories-656K.f32.gguf"), ids);
  EXPECT_LE((folder - gguf).abs().max().item<double>(), 2e-4);
}

TEST(SmolLM2, gives_the_log_probabilities_of_transformers) {
  REQUIRE_DATA("oracles/smollm2/oracle.safetensors");
  const fs::path gguf =
      fs::path(LATTICELENS_SOURCE) / ".cache/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(gguf))
    GTEST_SKIP() << "SKIPPED: no " << gguf << "; scripts/fetch-smollm2 fetches it";
  const Model model = open_plain_model(gguf);
  const SafetensorsFile oracle(testing::data_folder() / "oracles/smollm2/oracle.safetensors");
  std::vector<Tensor> windows;
  for (const char* name : {"ids_0", "ids_1", "ids_2"})
    windows.push_back(oracle.load(name).to(at::kLong));
  const std::vector<Tensor> hidden = run_decoder(model, windows);
  const Linear head = load_head(model);
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const std::string suffix = "_" + std::to_string(w);
    const Tensor values = head(hidden[w]), normaliser = values.logsumexp(-1);
    EXPECT_LE((normaliser - oracle.load("logsumexp" + suffix)).abs().max().item<double>(), 1e-3);
    const Tensor top = values.gather(1, oracle.load("top_ids" + suffix).to(at::kLong));
    EXPECT_LE((top - oracle.load("top_logits" + suffix)).abs().max().item<double>(), 1e-3);
    const Tensor targets = windows[w].slice(0, 1);
    const Tensor log_p = values.slice(0, 0, -1).gather(1, targets.unsqueeze(1)).squeeze(1) -
                         normaliser.slice(0, 0, -1);
    EXPECT_LE((log_p - oracle.load("target_logprob" + suffix)).abs().max().item<double>(), 2e-4);
  }
}

} // namespace
} // namespace latticelens
