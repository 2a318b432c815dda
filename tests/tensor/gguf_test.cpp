#include "tensor/gguf.h"

#include "core/error.h"
#include "tests/support.h"
#include "tests/tensor/byte_text.h"
#include <ATen/ATen.h>
#include <limits>

namespace latticelens {
namespace {

using testing::gguf_text;
using testing::raw;
using testing::TemporaryFolder;
using testing::write_raw;

enum ValueType : std::uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  text,
  array,
  u64,
  i64,
  f64
};

/// A GGUF file in parts, so that a test can spoil one.
struct Draft {
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::vector<std::string> metadata, tensors;
  std::string data;
  std::uint64_t alignment = 32; // of the data's start
  std::optional<std::uint64_t> tensor_count, metadata_count;

  void add_metadata(const std::string& key, ValueType type, const std::string& value) {
    metadata.push_back(gguf_text(key) + raw<std::uint32_t>(type) + value);
  }
  void add_list(const std::string& key, std::uint32_t element, std::uint64_t count,
                const std::string& values) {
    add_metadata(key, array, raw(element) + raw(count) + values);
  }
  void add_tensor(const std::string& name, const std::vector<std::uint64_t>& lengths,
                  std::uint32_t type, std::uint64_t offset) {
    std::string entry =
        gguf_text(name) + raw<std::uint32_t>(static_cast<std::uint32_t>(lengths.size()));
    for (const std::uint64_t length : lengths)
      entry += raw(length);
    tensors.push_back(entry + raw(type) + raw(offset));
  }
  std::string bytes() const {
    std::string result = magic + raw(version) +
                         raw<std::uint64_t>(tensor_count.value_or(tensors.size())) +
                         raw<std::uint64_t>(metadata_count.value_or(metadata.size()));
    for (const auto* part : {&metadata, &tensors})
      for (const std::string& entry : *part)
        result += entry;
    if (!data.empty())
      result.append((alignment - result.size() % alignment) % alignment, '\0');
    return result + data;
  }
};

/// One F32 tensor "a" of [2, 3] holding 0..5.
Draft valid_draft() {
  Draft draft;
  draft.add_metadata("name", text, gguf_text("tiny"));
  draft.add_list("ids", i32, 2, raw(1) + raw(-2));
  draft.add_tensor("a", {3, 2}, 0, 0);
  for (int i = 0; i < 6; ++i)
    draft.data += raw(static_cast<float>(i));
  return draft;
}

class Gguf : public ::testing::Test {
 protected:
  GgufFile open(const std::string& bytes) {
    write_raw(path_, bytes);
    return GgufFile(path_);
  }
  GgufFile open(const Draft& draft) { return open(draft.bytes()); }
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "a.gguf";
};

TEST_F(Gguf, reads_a_tensor_with_its_shape_reversed) {
  for (const std::uint32_t version : {2u, 3u}) {
    Draft draft = valid_draft();
    draft.version = version;
    EXPECT_TRUE(open(draft).load("a").equal(at::arange(6, at::kFloat).reshape({2, 3})));
  }
}

TEST_F(Gguf, reads_every_type_of_metadata) {
  Draft draft;
  draft.add_metadata("u8", u8, raw<std::uint8_t>(200));
  draft.add_metadata("i8", i8, raw<std::int8_t>(-100));
  draft.add_metadata("u16", u16, raw<std::uint16_t>(60000));
  draft.add_metadata("i16", i16, raw<std::int16_t>(-30000));
  draft.add_metadata("u32", u32, raw<std::uint32_t>(4000000000u));
  draft.add_metadata("i32", i32, raw<std::int32_t>(-2000000000));
  draft.add_metadata("u64", u64, raw<std::uint64_t>(1ull << 62));
  draft.add_metadata("i64", i64, raw<std::int64_t>(-(1ll << 62)));
  draft.add_metadata("f32", f32, raw(0.5f));
  draft.add_metadata("f64", f64, raw(0.1));
  draft.add_metadata("bool", boolean, raw(true));
  draft.add_metadata("text", text, gguf_text("日本"));
  draft.add_list("u8s", u8, 2, raw<std::uint8_t>(1) + raw<std::uint8_t>(255));
  draft.add_list("f32s", f32, 2, raw(1.5f) + raw(-2.f));
  draft.add_list("bools", boolean, 2, raw(true) + raw(false));
  draft.add_list("texts", text, 2, gguf_text("") + gguf_text("x"));
  draft.add_list("none", text, 0, "");
  const GgufFile file = open(draft);
  EXPECT_EQ(file.integer("u8"), 200);
  EXPECT_EQ(file.integer("i8"), -100);
  EXPECT_EQ(file.integer("u16"), 60000);
  EXPECT_EQ(file.integer("i16"), -30000);
  EXPECT_EQ(file.integer("u32"), 4000000000);
  EXPECT_EQ(file.integer("i32"), -2000000000);
  EXPECT_EQ(file.integer("u64"), 1ll << 62);
  EXPECT_EQ(file.integer("i64"), -(1ll << 62));
  EXPECT_EQ(file.number("f32"), 0.5);
  EXPECT_EQ(file.number("f64"), 0.1);
  EXPECT_EQ(file.number("u8"), 200);
  EXPECT_TRUE(file.boolean("bool"));
  EXPECT_EQ(file.text("text"), "日本");
  EXPECT_EQ(file.integers("u8s"), (std::vector<std::int64_t>{1, 255}));
  EXPECT_EQ(file.numbers("u8s"), (std::vector<double>{1, 255}));
  EXPECT_EQ(file.numbers("f32s"), (std::vector<double>{1.5, -2}));
  EXPECT_EQ(std::get<std::vector<bool>>(file.metadata().at("bools")),
            (std::vector<bool>{true, false}));
  EXPECT_EQ(file.texts("texts"), (std::vector<std::string>{"", "x"}));
  EXPECT_TRUE(file.texts("none").empty());
}

TEST_F(Gguf, metadata_errors_name_the_key_and_both_types) {
  const GgufFile file = open(valid_draft());
  EXPECT_ERROR(file.integer("name"), "metadata \"name\" should be an integer, not a text");
  EXPECT_ERROR(file.number("name"), "should be a number, not a text");
  EXPECT_ERROR(file.boolean("name"), "should be true or false");
  EXPECT_ERROR(file.text("ids"), "should be a text, not a list of integers");
  EXPECT_ERROR(file.texts("ids"), "should be a list of texts");
  EXPECT_ERROR(file.numbers("name"), "should be a list of numbers");
  EXPECT_ERROR(file.integers("name"), "should be a list of integers");
  EXPECT_ERROR(file.text("z"), "metadata \"z\" is missing");
  EXPECT_ERROR(file.load("z"), "has no tensor \"z\"");
}

TEST_F(Gguf, decodes_many_blocks_in_parallel_as_one_by_one) {
  Draft draft;
  draft.add_tensor("q", {4096, 64}, 8, 0); // Q8_0
  for (int block = 0; block < 4096 * 64 / 32; ++block) {
    draft.data += raw<std::uint16_t>(0x3c00); // 1
    draft.data.append(32, static_cast<char>(block));
  }
  const at::Tensor expected = at::arange(4096 * 64 / 32).to(at::kChar).repeat_interleave(32);
  EXPECT_TRUE(open(draft).load("q").flatten().equal(expected.to(at::kFloat)));
}

TEST_F(Gguf, empty_and_scalar_tensors_load) {
  Draft draft;
  draft.add_tensor("none", {0, 3}, 8, 0);
  draft.add_tensor("one", {}, 0, 0);
  draft.data = raw(2.5f);
  const GgufFile file = open(draft);
  EXPECT_EQ(file.load("none").sizes(), at::IntArrayRef({3, 0}));
  EXPECT_EQ(file.load("one").item<float>(), 2.5f);
}

TEST_F(Gguf, an_unsupported_type_is_an_error_only_when_loaded) {
  Draft draft = valid_draft();
  draft.add_tensor("exotic", {256}, 16, 0);
  const GgufFile file = open(draft);
  EXPECT_TRUE(file.tensors().at("exotic").bytes.empty());
  EXPECT_ERROR(file.load("exotic"), "tensor \"exotic\" has type 16, which is not supported");
  EXPECT_ERROR(file.load("exotic"), "F32 (0), F16 (1)");
}

TEST_F(Gguf, the_alignment_key_moves_the_data) {
  Draft draft = valid_draft();
  draft.add_metadata("general.alignment", u32, raw<std::uint32_t>(256));
  draft.alignment = 256;
  EXPECT_EQ(open(draft).load("a").sum().item<float>(), 15);
  for (const std::uint32_t bad : {0u, 3u, 48u, 1u << 31}) {
    draft = valid_draft();
    draft.add_metadata("general.alignment", u32, raw(bad));
    EXPECT_ERROR(open(draft), "no power of two");
  }
  draft = valid_draft();
  draft.add_metadata("general.alignment", text, gguf_text("32"));
  EXPECT_ERROR(open(draft), "no power of two");
}

TEST_F(Gguf, refuses_a_wrong_start) {
  Draft draft = valid_draft();
  EXPECT_ERROR(open(""), "ends inside its header");
  draft.magic = "GGML";
  EXPECT_ERROR(open(draft), "does not begin with GGUF");
  draft = valid_draft();
  for (const std::uint32_t version : {0u, 1u, 4u}) {
    draft.version = version;
    EXPECT_ERROR(open(draft), "is GGUF version " + std::to_string(version));
  }
  draft.version = 3u << 24;
  EXPECT_ERROR(open(draft), "is big endian");
}

TEST_F(Gguf, refuses_counts_past_the_end) {
  for (const std::uint64_t count : {std::uint64_t{3}, std::uint64_t{1000}, ~std::uint64_t{0}}) {
    Draft draft;
    draft.tensor_count = count;
    EXPECT_THROW(open(draft), Error);
    draft = Draft();
    draft.metadata_count = count;
    EXPECT_THROW(open(draft), Error);
    for (const std::uint32_t element : {u8, f64, text}) {
      draft = Draft();
      draft.add_list("list", element, count, "");
      EXPECT_ERROR(open(draft), "elements in a list");
    }
    draft = Draft();
    draft.add_metadata("t", text, raw(count));
    EXPECT_ERROR(open(draft), "bytes of text");
  }
}

TEST_F(Gguf, refuses_metadata_it_cannot_represent) {
  Draft draft;
  draft.add_list("nested", array, 1, raw<std::uint32_t>(u8) + raw<std::uint64_t>(0));
  EXPECT_ERROR(open(draft), "has a list of lists");
  draft = Draft();
  draft.add_metadata("odd", static_cast<ValueType>(13), "12345678");
  EXPECT_ERROR(open(draft), "unknown type 13");
  draft = Draft();
  draft.add_list("odd", 99, 1, "12345678");
  EXPECT_ERROR(open(draft), "unknown type 99");
  draft = Draft();
  draft.add_metadata("large", u64, raw(~std::uint64_t{0}));
  EXPECT_ERROR(open(draft), "above 2^63 - 1");
  draft = valid_draft();
  draft.add_metadata("name", text, gguf_text("again"));
  EXPECT_ERROR(open(draft), "has the metadata \"name\" twice");
}

/// The error of a file with this one tensor and 64 bytes of data.
Draft one_tensor(const std::vector<std::uint64_t>& lengths, std::uint32_t type,
                 std::uint64_t offset) {
  Draft draft;
  draft.add_tensor("a", lengths, type, offset);
  draft.data = std::string(64, '\0');
  return draft;
}

TEST_F(Gguf, refuses_bad_tensors) {
  constexpr std::uint64_t large = 1ull << 32;
  EXPECT_NO_THROW(open(one_tensor({16}, 0, 0)));
  EXPECT_ERROR(open(one_tensor({1, 1, 1, 1, 1}, 0, 0)), "has 5 dimensions, more than 4");
  EXPECT_ERROR(open(one_tensor({~std::uint64_t{0}}, 0, 0)), "its shape overflows");
  EXPECT_ERROR(open(one_tensor({large, large}, 0, 0)), "its shape overflows");
  EXPECT_ERROR(open(one_tensor({0, large, large}, 0, 0)), "its shape overflows");
  EXPECT_ERROR(open(one_tensor({1ull << 62}, 2, 0)), "its shape overflows");
  EXPECT_ERROR(open(one_tensor({16, 2}, 2, 0)), "is no multiple of Q4_0's block of 32");
  EXPECT_ERROR(open(one_tensor({17}, 0, 0)), "needs 68 bytes at 0, but the file has only 64");
  EXPECT_ERROR(open(one_tensor({16}, 0, 32)), "needs 64 bytes at 32");
  EXPECT_ERROR(open(one_tensor({1}, 0, 1ull << 63)), "bytes at 9223372036854775808");
  EXPECT_ERROR(open(one_tensor({256}, 16, 96)), "needs 0 bytes at 96");
  EXPECT_ERROR(open(one_tensor({4}, 0, 4)), "does not begin at a multiple of 32");
}

TEST_F(Gguf, refuses_overlaps_and_a_name_twice) {
  Draft draft = one_tensor({16}, 0, 0);
  draft.add_tensor("b", {8}, 0, 32);
  EXPECT_ERROR(open(draft), "tensor \"b\" overlaps \"a\"");
  draft = one_tensor({8}, 0, 0);
  draft.add_tensor("b", {8}, 0, 0);
  EXPECT_ERROR(open(draft), "overlaps");
  draft = one_tensor({8}, 0, 0);
  draft.add_tensor("a", {8}, 0, 32);
  EXPECT_ERROR(open(draft), "has the tensor \"a\" twice");
  draft = one_tensor({8}, 0, 32);
  draft.add_tensor("b", {8}, 0, 0); // any order
  EXPECT_NO_THROW(open(draft));
}

TEST_F(Gguf, a_file_cut_anywhere_is_refused) {
  const std::string whole = valid_draft().bytes();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(open(whole.substr(0, size)), Error) << size;
}

TEST_F(Gguf, the_bytes_outlive_the_file_on_the_disk) {
  const GgufFile file = open(valid_draft());
  std::filesystem::remove(path_);
  EXPECT_EQ(file.load("a").sum().item<float>(), 15);
}

TEST(GgufData, real_files_load) {
  REQUIRE_DATA("models/gguf");
  const std::filesystem::path folder = testing::data_folder() / "models/gguf";
  const GgufFile reference(folder / "TinyStories-656K.f32.gguf");
  for (const char* quantized : {"q8_0", "q4_0", "q4_k_m"}) {
    const GgufFile file(folder / ("TinyStories-656K." + std::string(quantized) + ".gguf"));
    EXPECT_EQ(file.text("general.architecture"), "llama");
    EXPECT_EQ(file.tensors().size(), reference.tensors().size());
    for (const auto& [name, tensor] : file.tensors()) {
      const at::Tensor expected = reference.load(name), values = file.load(name);
      EXPECT_EQ(values.sizes(), expected.sizes()) << name;
      const auto error = (values - expected).norm() / expected.norm();
      EXPECT_LT(error.item<float>(), 0.12f) << quantized << " " << name;
    }
  }
  EXPECT_GT(GgufFile(folder / "stories260K.gguf").tensors().size(), 0u);
}

TEST(GgufData, vocabularies_without_tensors_load) {
  REQUIRE_DATA("tokenizers/vectors/ggml-vocab-phi-3.gguf");
  const std::filesystem::path folder = testing::data_folder() / "tokenizers/vectors";
  for (const char* name : {"gpt-2", "llama-spm", "phi-3"}) {
    const GgufFile file(folder / ("ggml-vocab-" + std::string(name) + ".gguf"));
    EXPECT_GT(file.texts("tokenizer.ggml.tokens").size(), 30000u);
    EXPECT_TRUE(file.tensors().empty());
  }
}

} // namespace
} // namespace latticelens
