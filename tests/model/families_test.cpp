// What configs of the families may say, and what is refused; families out of GGUF files.
#include "core/error.h"
#include "model/model.h"
#include "tests/family_oracles.h"
#include "tests/tensor/byte_text.h"
#include "tests/tiny_family.h"
#include <cmath>

namespace latticelens {
namespace {

using testing::gguf_text;
using testing::raw;

const Family& family(const std::string& name) {
  return family_of_model_type(name, "test");
}

Config read(const std::string& name, const Json& changes) {
  Json json = testing::tiny_family_config(family(name));
  json.update(changes);
  return family(name).read_config(json, "config.json");
}

TEST(FamilyConfigs, windows_belong_to_layers) {
  EXPECT_EQ(read("mistral", Json::object()).windows, (std::vector<std::int64_t>{12, 12}));
  EXPECT_TRUE(read("mistral", {{"sliding_window", nullptr}}).windows.empty());
  EXPECT_EQ(read("qwen2", Json::object()).windows, (std::vector<std::int64_t>{0, 12}));
  EXPECT_TRUE(read("qwen2", {{"use_sliding_window", false}}).windows.empty());
  const Json types = {"sliding_attention", "full_attention"};
  EXPECT_EQ(read("qwen3", {{"layer_types", types}}).windows, (std::vector<std::int64_t>{12, 0}));
}

TEST(FamilyConfigs, a_window_changes_only_what_lies_behind_it) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_family(folder / "m", family("mistral"), [](const Tensor& w) { return w; });
  Model model = open_plain_model(folder / "m");
  const Tensor ids = at::arange(40, at::kLong) * 31 % 96;
  const Tensor narrow = run_decoder(model, {ids})[0];
  model.config.windows.clear();
  const Tensor wide = run_decoder(model, {ids})[0];
  EXPECT_LE((narrow - wide).slice(0, 0, 12).abs().max().item<double>(), 1e-5);
  EXPECT_GT((narrow - wide).slice(0, 12).abs().max().item<double>(), 1e-3);
}

TEST(FamilyConfigs, longrope_divides_by_the_list_for_the_length) {
  Json scaling = {{"type", "longrope"},
                  {"short_factor", Json(std::vector<double>(16, 2))},
                  {"long_factor", Json(std::vector<double>(16, 4))}};
  const Json changes = {{"rope_scaling", scaling},
                        {"original_max_position_embeddings", 128},
                        {"max_position_embeddings", 512}};
  const Config config = read("phi3", changes), plain = read("phi3", Json::object());
  EXPECT_DOUBLE_EQ(rope_frequencies(config, 128)[3], rope_frequencies(plain)[3] / 2);
  EXPECT_DOUBLE_EQ(rope_frequencies(config, 129)[3], rope_frequencies(plain)[3] / 4);
  EXPECT_DOUBLE_EQ(config.long_rope.amplitude, std::sqrt(1 + std::log(4) / std::log(128)));
  scaling["long_factor"] = {1, 2};
  EXPECT_ERROR(read("phi3", {{"rope_scaling", scaling}}),
               "\"long_factor\" is not a list of 16 positive numbers");
}

/// Places among the pairs, and the frequencies that transformers 5.23 gives them.
void expect_frequencies(const Config& config,
                        const std::vector<std::pair<std::size_t, double>>& expected) {
  const std::vector<double> frequencies = rope_frequencies(config);
  for (const auto& [place, frequency] : expected)
    EXPECT_NEAR(frequencies.at(place) / frequency, 1, 1e-6) << place;
}

TEST(FamilyConfigs, yarn_gives_another_programs_frequencies) {
  const Config usual = read("gpt_oss", {{"head_dim", 64}});
  EXPECT_NEAR(usual.long_rope.amplitude, 1.3465735902799727, 1e-12);
  expect_frequencies(usual, {{0, 1.0},
                             {8, 0.05081327259540558},
                             {12, 0.006794959306716919},
                             {16, 0.0004564839182421565},
                             {20, 1.818833698052913e-05},
                             {31, 3.023511396804679e-07}});
  const Json scaling = {
      {"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 512}};
  const Config whole = read("qwen3", {{"rope_scaling", scaling}});
  EXPECT_NEAR(whole.long_rope.amplitude, 1.138629436111989, 1e-12);
  expect_frequencies(whole, {{0, 1.0},
                             {3, 0.13972194492816925},
                             {5, 0.032133787870407104},
                             {8, 0.0024999999441206455},
                             {15, 4.4456985051510856e-05}});
  EXPECT_ERROR(read("qwen3", {{"rope_scaling", {{"rope_type", "yarn"}, {"factor", 0.5}}}}),
               "yarn rope scaling are not supported");
}

TEST(FamilyConfigs, every_other_block_of_gpt_oss_has_a_window) {
  const Config config = read("gpt_oss", Json::object());
  EXPECT_EQ(config.windows, (std::vector<std::int64_t>{12, 0}));
  EXPECT_EQ(config.gate_limit, 7);
  EXPECT_EQ(config.rope_theta, 150000);
  EXPECT_ERROR(read("gpt_oss", {{"swiglu_limit", 0}}), "are not positive");
}

TEST(FamilyConfigs, contradictions_are_errors) {
  EXPECT_ERROR(read("mistral", {{"sliding_window", -1}}), "\"sliding_window\" is -1");
  EXPECT_ERROR(read("mistral", {{"sliding_window", std::int64_t{1} << 62}}),
               "\"sliding_window\" is");
  EXPECT_ERROR(read("qwen2", {{"layer_types", {"full_attention"}}}), "not a list of 2 types");
  EXPECT_ERROR(read("qwen2", {{"layer_types", {"linear_attention", "full_attention"}}}),
               "layer type \"linear_attention\" is not supported");
  EXPECT_ERROR(read("qwen3", {{"rope_scaling", {{"rope_type", "dynamic"}}}}),
               "rope type \"dynamic\" is not supported");
  EXPECT_ERROR(read("phi3", {{"partial_rotary_factor", 0.01}}), "is not a positive even number");
  EXPECT_ERROR(read("phi3", {{"partial_rotary_factor", 1e300}}), "is not a positive even number");
  EXPECT_ERROR(read("mixtral", {{"num_experts_per_tok", 5}}), "5 of 4 experts a token");
  EXPECT_ERROR(read("mixtral", {{"num_local_experts", 1 << 30}}), "at most 1024 experts");
  EXPECT_ERROR(read("mixtral", {{"num_hidden_layers", 1 << 30}}), "not a model's size");
  EXPECT_ERROR(read("gpt_neox", {{"hidden_act", "silu"}}), "known: gelu, gelu_new");
  EXPECT_ERROR(read("gpt_neox", {{"rotary_pct", -1}}), "is not a positive even number");
}

TEST(FamilyConfigs, biases_that_a_family_has_must_be_there) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_family(folder / "m", family("qwen2"), [](const Tensor& w) { return w; });
  auto weights =
      testing::tiny_family_weights(family("qwen2"), testing::tiny_family_config(family("qwen2")),
                                   [](const Tensor& w) { return w; });
  std::erase_if(weights, [](const auto& w) { return w.first.ends_with("q_proj.bias"); });
  write_safetensors(folder / "m/model.safetensors", weights);
  EXPECT_ERROR(load_block(open_plain_model(folder / "m"), 0), "self_attn.q_proj.bias");
}

/// The tiny family as a GGUF file of plain fp32 tensors.
void write_gguf(const std::filesystem::path& path, const Family& kind, const Json& json) {
  const auto weights = testing::tiny_family_weights(kind, json, [](const Tensor& w) { return w; });
  const std::string& architecture = kind.gguf.architecture;
  std::vector<std::string> metadata = {gguf_text("general.architecture") + raw<std::uint32_t>(8) +
                                       gguf_text(architecture)};
  const auto integer = [&](const char* key, const char* from) {
    metadata.push_back(gguf_text(architecture + "." + key) + raw<std::uint32_t>(4) +
                       raw<std::uint32_t>(json[from].get<std::uint32_t>()));
  };
  integer("embedding_length", "hidden_size");
  integer("feed_forward_length", "intermediate_size");
  integer("block_count", "num_hidden_layers");
  integer("attention.head_count", "num_attention_heads");
  integer("attention.head_count_kv", "num_key_value_heads");
  integer("attention.key_length", "head_dim");
  metadata.push_back(gguf_text(architecture + ".attention.layer_norm_rms_epsilon") +
                     raw<std::uint32_t>(6) + raw<float>(1e-6f));
  std::string head = "GGUF" + raw<std::uint32_t>(3) + raw<std::uint64_t>(weights.size()) +
                     raw<std::uint64_t>(metadata.size()),
              data;
  for (const std::string& entry : metadata)
    head += entry;
  for (const auto& [name, tensor] : weights) {
    head += gguf_text(gguf_name(kind, name)) +
            raw<std::uint32_t>(static_cast<std::uint32_t>(tensor.dim()));
    for (std::int64_t i = tensor.dim() - 1; i >= 0; --i)
      head += raw<std::uint64_t>(static_cast<std::uint64_t>(tensor.size(i)));
    head += raw<std::uint32_t>(0) + raw<std::uint64_t>(data.size());
    const Tensor values = tensor.contiguous();
    data.append(static_cast<const char*>(values.const_data_ptr()), values.nbytes());
    data.resize((data.size() + 31) / 32 * 32);
  }
  head.resize((head.size() + 31) / 32 * 32);
  testing::write_raw(path, head + data);
}

TEST(FamilyGguf, gives_the_logits_of_the_folder) {
  for (const std::string name : {"qwen2", "qwen3"}) {
    const testing::TemporaryFolder folder;
    Json json = testing::tiny_family_config(family(name));
    json["use_sliding_window"] = false; // GGUF does not say it
    testing::write_tiny_family(folder / "m", family(name), [](const Tensor& w) { return w; });
    write_text(folder / "m/config.json", json.dump());
    write_gguf(folder / "m.gguf", family(name), json);
    const Tensor ids = at::arange(40, at::kLong) * 31 % 96;
    const auto logits = [&](const std::filesystem::path& path) {
      const Model model = open_plain_model(path);
      return load_head(model)(run_decoder(model, {ids})[0]);
    };
    EXPECT_LE((logits(folder / "m") - logits(folder / "m.gguf")).abs().max().item<double>(), 2e-4)
        << name;
  }
}

} // namespace
} // namespace latticelens
