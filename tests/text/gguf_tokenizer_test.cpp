// GGUF metadata written by the test: by score, and what is refused.
#include "core/error.h"
#include "core/files.h"
#include "tests/support.h"
#include "tests/tensor/byte_text.h"
#include "tests/text/tiny_tokenizers.h"
#include "text/tokenizer.h"
#include <cmath>

namespace latticelens {
namespace {

using testing::gguf_text;
using testing::raw;
using Ids = std::vector<TokenId>;

// Metadata without tensors.
class Draft {
 public:
  Draft& text(const std::string& key, const std::string& value) {
    return add(key, 8, gguf_text(value));
  }
  Draft& flag(const std::string& key, bool value) { return add(key, 7, raw<std::uint8_t>(value)); }
  Draft& number(const std::string& key, std::uint32_t value) {
    return add(key, 4, raw<std::uint32_t>(value));
  }
  Draft& texts(const std::string& key, const std::vector<std::string>& values) {
    std::string bytes;
    for (const std::string& value : values)
      bytes += gguf_text(value);
    return add(key, 9, raw<std::uint32_t>(8) + raw<std::uint64_t>(values.size()) + bytes);
  }
  template<typename T>
  Draft& list(const std::string& key, std::uint32_t type, const std::vector<T>& values) {
    std::string bytes;
    for (T value : values)
      bytes += raw<T>(value);
    return add(key, 9, raw<std::uint32_t>(type) + raw<std::uint64_t>(values.size()) + bytes);
  }
  std::unique_ptr<Tokenizer> open() const {
    const testing::TemporaryFolder folder;
    std::string bytes = "GGUF" + raw<std::uint32_t>(3) + raw<std::uint64_t>(0) +
                        raw<std::uint64_t>(entries_.size());
    for (const auto& [key, value] : entries_)
      bytes += value;
    write_text(folder / "tiny.gguf", bytes);
    return open_tokenizer(folder / "tiny.gguf");
  }

 private:
  Draft& add(const std::string& key, std::uint32_t type, const std::string& value) {
    entries_["tokenizer.ggml." + key] =
        gguf_text("tokenizer.ggml." + key) + raw<std::uint32_t>(type) + value;
    return *this;
  }
  std::map<std::string, std::string> entries_;
};

Draft byte_level(const std::string& pre_tokenizer) {
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;
  const Json tiny = testing::tiny_byte_level();
  for (const auto& [text, id] : tiny["model"]["vocab"].items()) {
    tokens.push_back(text);
    types.push_back(1);
  }
  tokens.push_back("<|end|>");
  types.push_back(3);
  return Draft()
      .text("model", "gpt2")
      .text("pre", pre_tokenizer)
      .texts("tokens", tokens)
      .list("token_type", 5, types)
      .texts("merges", {"h e", "Ġ t", "Ġt he", "l l", "he ll"})
      .number("bos_token_id", 261);
}

// <unk>, <s>, the mark, a, b and pieces with scores: of "ba" and "ab" the second is better.
Draft by_score() {
  return Draft()
      .text("model", "llama")
      .texts("tokens", {"<unk>", "<s>", "▁", "a", "b", "ba", "ab", "aa", "bb"})
      .list<float>("scores", 6, {0, 0, -9, -9, -9, -3, -2, -4, -4})
      .list<std::int32_t>("token_type", 5, {2, 3, 1, 1, 1, 1, 1, 1, 1})
      .number("bos_token_id", 1)
      .number("unknown_token_id", 0);
}

TEST(GgufByteLevel, knows_the_pre_tokenizers_by_name) {
  EXPECT_EQ(byte_level("gpt-2").open()->encode("hello 12 the").ids,
            (Ids{260, 'o', ' ', '1', '2', 258}));
  EXPECT_EQ(byte_level("qwen2").open()->decode(byte_level("qwen2").open()->encode("e\u0301").ids),
            "\u00e9");
  EXPECT_FALSE(byte_level("smollm").open()->adds_begin_of_text());
  EXPECT_TRUE(byte_level("llama-bpe").open()->adds_begin_of_text());
  EXPECT_FALSE(byte_level("llama-bpe").flag("add_bos_token", false).open()->adds_begin_of_text());
  EXPECT_EQ(byte_level("gpt-2").open()->encode("<|end|>", SpecialTokens::parsed).ids, Ids{261});
  EXPECT_ERROR(
      byte_level("jina-v9").open(),
      "pre-tokenizer \"jina-v9\" is not supported; known: gpt-2, llama-bpe, smollm, qwen2");
}

TEST(GgufByScore, joins_the_best_pair_first_and_equal_ones_from_the_left) {
  const auto tokenizer = by_score().open();
  EXPECT_EQ(tokenizer->encode("bab").ids, (Ids{2, 4, 6}));
  EXPECT_EQ(tokenizer->encode("aaa").ids, (Ids{2, 7, 3}));
  EXPECT_EQ(tokenizer->encode("<s>b", SpecialTokens::parsed).ids, (Ids{1, 2, 4}));
  EXPECT_TRUE(tokenizer->adds_begin_of_text());
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("ab  ba").ids), "ab  ba");
  const Encoding unknown = tokenizer->encode("日a");
  EXPECT_EQ(unknown.ids, (Ids{2, 0, 3}));
  EXPECT_EQ(unknown.dropped_bytes, 3);
  EXPECT_EQ(by_score().flag("add_space_prefix", false).open()->encode("ab").ids, Ids{6});
}

TEST(GgufHostile, metadata_that_contradicts_itself) {
  EXPECT_ERROR(Draft().open(), "tokenizer.ggml.model");
  EXPECT_ERROR(Draft().text("model", "bert").open(),
               "\"bert\" is not supported; known: gpt2, llama");
  EXPECT_ERROR(Draft().text("model", "gpt2").open(), "tokenizer.ggml.pre is missing");
  EXPECT_ERROR(by_score().list<float>("scores", 6, {0, 0}).open(), "has 2 entries for 9 tokens");
  EXPECT_ERROR(by_score().list<std::int32_t>("token_type", 5, {1}).open(),
               "has 1 entries for 9 tokens");
  EXPECT_ERROR(by_score().list<float>("scores", 6, {0, 0, 0, NAN, 0, 0, 0, 0, 0}).open(),
               "the score of token 3 is not a number");
  EXPECT_ERROR(by_score().texts("tokens", {}).open(), "the vocabulary is empty");
  EXPECT_ERROR(
      by_score().texts("tokens", {"<unk>", "<s>", "a", "a", "b", "ba", "ab", "aa", "bb"}).open(),
      "token \"a\" stands twice");
  EXPECT_ERROR(
      by_score().texts("tokens", {"<unk>", "<s>", "\xff", "a", "b", "ba", "ab", "aa", "bb"}).open(),
      "token 2: not UTF-8 at byte 0");
  EXPECT_ERROR(by_score()
                   .texts("tokens",
                          {"<unk>", "<s>", std::string(300, 'a'), "a", "b", "ba", "ab", "aa", "bb"})
                   .open(),
               "longer than 256 bytes");
  EXPECT_ERROR(by_score().number("bos_token_id", 4294967295u).open(), "names no token");
  EXPECT_EQ(by_score()
                .number("bos_token_id", 4294967295u)
                .flag("add_bos_token", false)
                .open()
                ->begin_of_text(),
            std::nullopt);
  EXPECT_ERROR(byte_level("gpt-2").texts("merges", {"\x98 e"}).open(),
               "merge 0: not UTF-8 at byte 0");
  EXPECT_ERROR(byte_level("gpt-2").texts("merges", {"h  e"}).open(), "should have one space");
  EXPECT_ERROR(byte_level("gpt-2").number("tokens", 1).open(), "tokenizer.ggml.tokens");
}

} // namespace
} // namespace latticelens
