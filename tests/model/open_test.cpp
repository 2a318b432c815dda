// Models that are incomplete, contradictory or unknown: one clear error each.
#include "core/error.h"
#include "core/files.h"
#include "model/attention.h"
#include "model/model.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

using testing::TemporaryFolder;
using testing::TinyModel;

/// Opens the tiny model with one member of config.json changed, and loads everything.
void open_with(const std::string& key, const Json& value) {
  const TemporaryFolder folder;
  testing::write_tiny_model(folder.path());
  Json config = testing::tiny_config({});
  config[key] = value;
  write_text(folder / "config.json", config.dump());
  const Model model = open_plain_model(folder.path());
  run_decoder(model, {at::zeros({4}, at::kLong)});
  load_head(model);
}

TEST(OpenModel, contradictions_of_the_config_are_errors) {
  EXPECT_ERROR(open_with("model_type", "mamba"), "architecture \"mamba\" is unknown; known: llama");
  EXPECT_ERROR(open_with("hidden_act", "gelu"), "activation \"gelu\" is not supported");
  EXPECT_ERROR(open_with("hidden_size", -3), "\"hidden_size\" is -3");
  EXPECT_ERROR(open_with("hidden_size", 1e300), "should be an integer");
  EXPECT_ERROR(open_with("num_hidden_layers", nullptr), "should be an integer");
  EXPECT_ERROR(open_with("num_key_value_heads", 3), "cannot share 3 key-value heads");
  EXPECT_ERROR(open_with("head_dim", 7), "not a positive even number");
  EXPECT_ERROR(open_with("intermediate_size", 100),
               "has shape [96, 64], but the config asks for [100, 64]");
  EXPECT_ERROR(open_with("num_hidden_layers", 3), "model.layers.2.self_attn");
  EXPECT_ERROR(open_with("rope_scaling", Json({{"type", "dynamic"}})),
               "rope type \"dynamic\" is not supported");
  EXPECT_ERROR(open_with("rope_scaling", Json({{"type", "llama3"}, {"factor", 8}})),
               "\"low_freq_factor\" is missing");
  EXPECT_ERROR(open_with("tie_word_embeddings", false), "lm_head.weight");
}

TEST(OpenModel, what_is_no_model_is_an_error) {
  const TemporaryFolder folder;
  EXPECT_ERROR(open_plain_model(folder / "none"), "does not exist");
  EXPECT_ERROR(open_plain_model(folder.path()), "has no config.json");
  write_text(folder / "config.json", testing::tiny_config({}).dump());
  EXPECT_ERROR(open_plain_model(folder.path()), "has neither model.safetensors nor");
  write_text(folder / "x.gguf", "GGUF");
  EXPECT_ERROR(open_plain_model(folder / "x.gguf"), "x.gguf");
}

TEST(OpenModel, an_absent_shard_and_one_that_lacks_a_tensor_are_errors) {
  const TemporaryFolder folder;
  testing::write_tiny_model(folder.path());
  std::filesystem::rename(folder / "model.safetensors", folder / "a.safetensors");
  const auto write_index = [&](const Json& map) {
    write_text(folder / "model.safetensors.index.json", Json{{"weight_map", map}}.dump());
  };
  write_index({{"model.norm.weight", "b.safetensors"}});
  EXPECT_ERROR(open_plain_model(folder.path()), "the index names this shard but it is absent");
  write_index({{"no.such", "a.safetensors"}});
  EXPECT_ERROR(open_plain_model(folder.path()), "lacks tensor \"no.such\"");
  write_index({{"model.norm.weight", "../a.safetensors"}});
  EXPECT_ERROR(open_plain_model(folder.path()), "outside the folder");
}

TEST(OpenModel, nan_weights_and_wrong_dtypes_name_the_tensor) {
  const TemporaryFolder folder;
  testing::write_tiny_model(folder.path());
  auto weights = testing::tiny_weights({});
  const auto with = [&](const std::string& name, const Tensor& value) {
    auto changed = weights;
    for (auto& [key, tensor] : changed)
      if (key == name)
        tensor = value;
    write_safetensors(folder / "model.safetensors", changed);
    const Model model = open_plain_model(folder.path());
    run_decoder(model, {at::zeros({4}, at::kLong)});
  };
  Tensor broken = at::ones({64}, at::kFloat);
  broken[3] = NAN;
  EXPECT_ERROR(with("model.norm.weight", broken),
               "\"model.norm.weight\" has NaN or infinite values");
  EXPECT_ERROR(with("model.norm.weight", at::ones({64}, at::kLong)),
               "has dtype Long, no floating type");
}

TEST(Decoder, token_ids_outside_the_vocabulary_are_errors) {
  const TemporaryFolder folder;
  testing::write_tiny_model(folder.path());
  const Model model = open_plain_model(folder.path());
  EXPECT_ERROR(run_decoder(model, {at::full({4}, 96, at::kLong)}),
               "token id 96 lies outside the vocabulary of 96");
  EXPECT_ERROR(run_decoder(model, {at::full({4}, -1, at::kLong)}), "token id -1");
}

TEST(Decoder, later_tokens_do_not_change_earlier_states_and_windows_do_not_mix) {
  const TemporaryFolder folder;
  testing::write_tiny_model(folder.path(), {.tied = false, .biases = true});
  const Model model = open_plain_model(folder.path());
  const Tensor ids = at::arange(40, at::kLong) * 7 % 96;
  const auto all = run_decoder(model, {ids, ids.slice(0, 0, 24)});
  EXPECT_LE((all[0].slice(0, 0, 24) - all[1]).abs().max().item<double>(), 1e-5);
}

TEST(Decoder, the_tap_sees_the_input_of_every_stage) {
  const TemporaryFolder folder;
  testing::write_tiny_model(folder.path());
  const Model model = open_plain_model(folder.path());
  std::vector<std::string> places;
  run_decoder(model, {at::zeros({4}, at::kLong)}, {},
              [&](std::string_view place, const Tensor&) { places.emplace_back(place); });
  EXPECT_EQ(places.size(), 8u);
  EXPECT_EQ(places[0], "model.layers.0.attention_input");
  EXPECT_EQ(places[7], "model.layers.1.mlp_output");
}

} // namespace
} // namespace latticelens
