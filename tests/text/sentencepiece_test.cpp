// SentencePiece models written by the test: the best path, and what is refused.
#include "core/error.h"
#include "core/files.h"
#include "tests/support.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer.h"
#include "text/unigram.h"
#include <bit>
#include <cmath>

namespace latticelens {
namespace {

using Ids = std::vector<TokenId>;

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7)
    bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string number(int field, std::uint64_t value) {
  return varint(field << 3) + varint(value);
}

std::string bytes(int field, const std::string& value) {
  return varint(field << 3 | 2) + varint(value.size()) + value;
}

std::string little_endian(std::uint32_t value) {
  std::string text;
  for (int i = 0; i < 4; ++i)
    text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string piece(const std::string& text, float score, int type = 1) {
  return bytes(1, bytes(1, text) + varint(2 << 3 | 5) +
                      little_endian(std::bit_cast<std::uint32_t>(score)) + number(3, type));
}

// A unigram model (type 1) or BPE (2) without normalization rules and dummy prefix.
std::string model(int type, const std::string& pieces, const std::string& charsmap = "") {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + pieces + bytes(2, number(3, type)) +
         bytes(3, bytes(1, "identity") + bytes(2, charsmap) + number(3, 0) + number(4, 0));
}

std::string letters() {
  return piece("a", -3) + piece("b", -3) + piece("ab", -4) + piece("ba", -5) + piece("▁", -2);
}

std::unique_ptr<Tokenizer> open_model(const std::string& text) {
  const testing::TemporaryFolder folder;
  write_text(folder / "tiny.model", text);
  return open_tokenizer(folder / "tiny.model");
}

TEST(SentencePieceUnigram, takes_the_path_of_highest_score) {
  const auto tokenizer = open_model(model(1, letters()));
  EXPECT_EQ(tokenizer->encode("abab").ids, (Ids{4, 4}));
  EXPECT_EQ(tokenizer->encode("bab b").ids, (Ids{3, 4, 6, 3}));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("abab b").ids), "abab b");
  const Encoding unknown = tokenizer->encode("a日本b");
  EXPECT_EQ(unknown.ids, (Ids{2, 0, 3}));
  EXPECT_EQ(unknown.dropped_bytes, 6);
  EXPECT_EQ(tokenizer->encode("<s>a", SpecialTokens::parsed).ids, (Ids{1, 2}));
  EXPECT_EQ(tokenizer->begin_of_text(), 1);
  EXPECT_FALSE(tokenizer->adds_begin_of_text());
  EXPECT_ERROR(tokenizer->decode({7}), "outside the vocabulary of 7");
  EXPECT_ERROR(tokenizer->encode("\xff"), "not UTF-8 at byte 0");
}

TEST(SentencePieceUnigram, splits_the_end_of_a_long_text_like_a_short_one) {
  SentencePieceModel scores;
  scores.pieces = {
      {"<unk>", 0, PieceType::unknown}, {"a", -1.0f}, {"b", -1.0f}, {"ab", -1.999f}, {"x", -17.3f}};
  const UnigramModel unigram(scores);
  std::string text;
  for (int i = 0; i < 200000; ++i)
    text += "xab";
  Encoding encoding;
  unigram.encode(text, encoding);
  ASSERT_EQ(encoding.ids.size(), 400000);
  for (std::size_t i = 0; i < encoding.ids.size(); ++i)
    ASSERT_EQ(encoding.ids[i], i % 2 ? 3 : 4) << i;
}

TEST(SentencePieceBpe, joins_by_score) {
  const auto tokenizer = open_model(model(2, letters()));
  EXPECT_EQ(tokenizer->encode("bab").ids, (Ids{3, 4}));
  EXPECT_EQ(tokenizer->encode("語").dropped_bytes, 3);
}

TEST(SentencePieceHostile, files_that_are_no_model) {
  const std::string good = model(1, letters());
  EXPECT_ERROR(open_model(""), "no pieces");
  EXPECT_ERROR(open_model("garbage that is text"), "SentencePiece model");
  for (std::size_t length = 1; length < good.size(); ++length)
    try {
      open_model(good.substr(0, length)); // cut between fields it may be a model
    } catch (const Error&) {
    }
  EXPECT_ERROR(open_model(good.substr(0, good.size() - 3)), "ends too early");
  EXPECT_ERROR(open_model(model(4, letters())), "model type 4 is not supported");
  EXPECT_ERROR(open_model(model(1, piece("", -1))), "a piece that is empty");
  EXPECT_ERROR(open_model(model(1, piece("\xff", -1))), "a piece that is not UTF-8");
  EXPECT_ERROR(open_model(model(1, piece("a", -1) + piece("a", -2))), "a piece that stands twice");
  EXPECT_ERROR(open_model(model(1, piece("a", NAN))), "a score that is not a finite number");
  EXPECT_ERROR(open_model(model(1, piece("<0xzz>", -1, 6))), "a byte piece that is not <0xNN>");
  EXPECT_ERROR(open_model(model(1, letters()) + bytes(3, "")), "a part that stands twice");
  EXPECT_ERROR(open_model(piece("a", -1)), "cannot load the model");
}

TEST(SentencePieceHostile, normalization_rules_that_point_outside) {
  const auto refused = [](const std::string& charsmap, const char* message) {
    EXPECT_ERROR(open_model(model(1, letters(), charsmap)), message);
  };
  refused("abc", "too short");
  refused(little_endian(0xffffffff) + "x", "a trie that does not fit");
  refused(little_endian(4) + little_endian(0) + "x", "a text that does not end");
  refused(little_endian(0) + std::string(1, '\0'), "the normalization trie is empty");
  const std::string far = little_endian(0x7fffffff & ~0x200u);
  refused(little_endian(1024) + far + std::string(1020, '\0') + std::string(1, '\0'),
          "points outside itself");
}

} // namespace
} // namespace latticelens
