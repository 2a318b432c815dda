// Experts joined in one tensor and taken apart again.
#include "model/families/fused_experts.h"

#include "core/error.h"
#include "model/model.h"
#include "tests/support.h"
#include "tests/tiny_family.h"

namespace latticelens {
namespace {

const Family& gpt_oss() {
  return family_of_model_type("gpt_oss", "test");
}

/// The folder's own names -> the joined ones, as published models have them.
void join_experts(const std::filesystem::path& from, const std::filesystem::path& to) {
  const Model model = open_plain_model(from);
  const SafetensorsFile file(from / "model.safetensors");
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, entry] : file.entries())
    tensors[name] = file.load(name).clone();
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    for (const JoinedTensor& joined : gpt_oss().joined(model.config)) {
      std::vector<Tensor> parts;
      for (const std::string& part : joined.parts) {
        parts.push_back(tensors.at(block_prefix(model, layer) + part));
        tensors.erase(block_prefix(model, layer) + part);
      }
      const Tensor whole = joined.join(parts);
      EXPECT_EQ(whole.sizes().vec(), joined.shape) << joined.name;
      tensors[block_prefix(model, layer) + joined.name] = whole;
    }
  make_directory(to);
  write_text(to / "config.json", read_text(from / "config.json"));
  write_safetensors(to / "model.safetensors", {tensors.begin(), tensors.end()});
}

TEST(FusedExperts, the_joined_folder_gives_the_same_logits) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_family(folder / "apart", gpt_oss(), [](const Tensor& w) { return w; });
  join_experts(folder / "apart", folder / "joined");
  const Tensor ids = at::arange(40, at::kLong) * 31 % 96;
  EXPECT_TRUE(at::equal(run_decoder(open_plain_model(folder / "joined"), {ids})[0],
                        run_decoder(open_plain_model(folder / "apart"), {ids})[0]));
}

TEST(FusedExperts, rows_of_gate_and_up_alternate) {
  const Tensor gates = at::arange(6, at::kFloat).view({1, 3, 2}), ups = gates + 100;
  const Tensor both = fused_experts::alternating(gates, ups);
  EXPECT_TRUE(at::equal(both.slice(1, 0, std::nullopt, 2), gates));
  EXPECT_TRUE(at::equal(both.slice(1, 1, std::nullopt, 2), ups));
}

TEST(FusedExperts, tensors_of_other_shapes_are_errors) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_family(folder / "apart", gpt_oss(), [](const Tensor& w) { return w; });
  join_experts(folder / "apart", folder / "joined");
  Json config = read_json(folder / "joined/config.json");
  config["num_local_experts"] = 3;
  write_text(folder / "joined/config.json", config.dump());
  EXPECT_ERROR(load_block(open_plain_model(folder / "joined"), 0), "mlp.");
  config["num_local_experts"] = 5;
  write_text(folder / "joined/config.json", config.dump());
  EXPECT_ERROR(load_block(open_plain_model(folder / "joined"), 0), "mlp.");
}

} // namespace
} // namespace latticelens
