#include "quantize/export_gguf.h"

#include "core/error.h"
#include "tests/support.h"
#include "tests/text/tiny_tokenizers.h"
#include "tests/tiny_family.h"
#include "text/tokenizer.h"
#include <ATen/Parallel.h>
#include <algorithm>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

Tensor logits(const Model& model) {
  const Tensor ids = at::arange(48, at::kLong) * 31 % model.config.vocabulary;
  return load_head(model)(run_decoder(model, {ids})[0]);
}

/// A random model of the family without what GGUF has no form for.
void write_original(const fs::path& folder, const Family& family, Json changes = Json::object()) {
  changes.update({{"vocab_size", 300},
                  {"sliding_window", nullptr},
                  {"use_sliding_window", false},
                  {"norm_topk_prob", true}});
  testing::write_tiny_family(
      folder, family, [](const Tensor& weight) { return weight; }, changes);
  write_text(folder / "tokenizer.json", testing::tiny_byte_level().dump());
  write_text(
      folder / "tokenizer_config.json",
      Json{{"bos_token", "<|end|>"}, {"add_bos_token", true}, {"chat_template", "{{ x }}"}}.dump());
}

GgufSummary export_as_f32(const fs::path& model, const fs::path& file) {
  const OpenedModel opened = open_model(model);
  return export_gguf(opened, file, choose_gguf_types(opened, "f32", ""));
}

class ExportGguf : public ::testing::TestWithParam<std::size_t> {
 protected:
  const Family& family() const { return families()[GetParam()]; }
  testing::TemporaryFolder folder_;
};

TEST_P(ExportGguf, keeps_the_function_and_the_ids) {
  const fs::path original = folder_ / "original", file = folder_ / "a.gguf";
  write_original(original, family());
  const OpenedModel opened = open_model(original);
  if (family().gguf.architecture.empty()) {
    EXPECT_ERROR(export_gguf(opened, file, choose_gguf_types(opened, "f32", "")), "llama, mistral");
    EXPECT_FALSE(fs::exists(file));
    return;
  }
  const GgufSummary summary = export_gguf(opened, file, choose_gguf_types(opened, "f32", ""));
  EXPECT_EQ(summary.exact, summary.linears.at("F32"));
  EXPECT_TRUE(at::equal(logits(open_plain_model(file)), logits(opened.model)));
  const auto ours = open_tokenizer(file), theirs = open_tokenizer(original);
  for (const char* text : {"hello the end", "日本 <|end|> x", ""})
    EXPECT_EQ(ours->encode(text, SpecialTokens::parsed).ids,
              theirs->encode(text, SpecialTokens::parsed).ids);
  EXPECT_EQ(ours->begin_of_text(), theirs->begin_of_text());
  EXPECT_TRUE(ours->adds_begin_of_text());
  EXPECT_EQ(GgufFile(file).text("tokenizer.chat_template"), "{{ x }}");
}

TEST_P(ExportGguf, the_same_bytes_at_any_thread_count) {
  if (family().gguf.architecture.empty())
    return;
  write_original(folder_ / "original", family());
  const OpenedModel opened = open_model(folder_ / "original");
  const int threads = at::get_num_threads();
  for (const int count : {1, 3}) {
    at::set_num_threads(count);
    export_gguf(opened, folder_ / (std::to_string(count) + ".gguf"),
                choose_gguf_types(opened, "q5_1", ""));
  }
  at::set_num_threads(threads);
  EXPECT_EQ(file_hash(folder_ / "1.gguf"), file_hash(folder_ / "3.gguf"));
}

INSTANTIATE_TEST_SUITE_P(Families, ExportGguf, ::testing::Range<std::size_t>(0, families().size()),
                         [](const auto& row) { return std::string(families()[row.param].name); });

/// Every linear of the file as decoded is the nearest that its type gives for the original's.
TEST(ExportGgufTypes, every_type_comes_near_the_weights) {
  const testing::TemporaryFolder folder;
  write_original(folder / "original", families().front());
  const OpenedModel opened = open_model(folder / "original");
  for (const BlockType& type : block_types()) {
    if (!type.encode)
      continue;
    const fs::path file = folder / (std::string(type.name) + ".gguf");
    const GgufSummary summary =
        export_gguf(opened, file, choose_gguf_types(opened, type.name, "f32"));
    const double bits = 8.0 * static_cast<double>(type.bytes) / static_cast<double>(type.values);
    EXPECT_LT(summary.error, summary.energy * std::exp2(-1.4 * std::min(bits, 10.0))) << type.name;
    const bool narrow = type.values > 32; // widths are 128 and 96
    EXPECT_EQ(summary.narrow > 0, narrow) << type.name;
    open_plain_model(file);
  }
}

TEST(ExportGgufTypes, llama_cpps_own_files_come_out) {
  REQUIRE_DATA("models/gguf/TinyStories-656K.q4_0.gguf");
  const testing::TemporaryFolder folder;
  const OpenedModel opened = open_model(testing::data_folder() / "models/TinyStories-656K");
  for (const char* type : {"f32", "q8_0", "q4_0"}) {
    const fs::path file = folder / type;
    export_gguf(opened, file, choose_gguf_types(opened, type, ""));
    const GgufFile ours(file), theirs(testing::data_folder() / "models/gguf" /
                                      ("TinyStories-656K." + std::string(type) + ".gguf"));
    ASSERT_EQ(ours.tensors().size(), theirs.tensors().size());
    for (const auto& [name, tensor] : theirs.tensors()) {
      const GgufTensor& own = ours.tensors().at(name);
      EXPECT_EQ(own.type, tensor.type) << name;
      EXPECT_EQ(own.shape, tensor.shape) << name;
      EXPECT_TRUE(std::ranges::equal(own.bytes, tensor.bytes)) << name;
    }
    for (const char* key : {"tokens", "scores", "token_type", "bos_token_id", "add_space_prefix"}) {
      const std::string name = "tokenizer.ggml." + std::string(key);
      EXPECT_EQ(ours.metadata().at(name), theirs.metadata().at(name)) << key;
    }
  }
}

TEST(ExportGgufTypes, what_gguf_has_no_form_for_is_refused) {
  const testing::TemporaryFolder folder;
  write_original(folder / "window", families()[1]);
  Json config = read_json(folder / "window/config.json");
  config["sliding_window"] = 12;
  write_text(folder / "window/config.json", config.dump());
  EXPECT_ERROR(export_as_f32(folder / "window", folder / "a"), "sliding window");
  write_original(folder / "regex", families().front());
  const OpenedModel opened = open_model(folder / "regex");
  EXPECT_ERROR(choose_gguf_types(opened, "q3_k", ""), "known: f32");
  EXPECT_ERROR(choose_gguf_types(opened, "f32", "nothing"), "known: f32");
  Json tokenizer = testing::tiny_byte_level();
  tokenizer["pre_tokenizer"]["add_prefix_space"] = true;
  write_text(folder / "regex/tokenizer.json", tokenizer.dump());
  EXPECT_ERROR(export_as_f32(folder / "regex", folder / "a"), "pre-tokenizer");
  EXPECT_FALSE(fs::exists(folder / "a"));
}

} // namespace
} // namespace latticelens
