#include "text/gguf_vocabulary.h"

#include "core/error.h"
#include "tests/support.h"
#include "tests/text/tiny_tokenizers.h"
#include <algorithm>

namespace latticelens {
namespace {

const GgufValue& value_of(const GgufMetadata& metadata, const std::string& key) {
  const auto found = std::ranges::find(metadata, "tokenizer.ggml." + key,
                                       &std::pair<std::string, GgufValue>::first);
  if (found == metadata.end())
    throw std::out_of_range(key);
  return found->second;
}

TEST(GgufVocabulary, byte_level_tokenizers_keep_their_merges) {
  const GgufVocabulary made = gguf_vocabulary(testing::tiny_byte_level(), 264, "here");
  EXPECT_EQ(value_of(made.metadata, "pre"), GgufValue(std::string("gpt-2")));
  const auto tokens = std::get<std::vector<std::string>>(value_of(made.metadata, "tokens"));
  const auto types = std::get<std::vector<std::int64_t>>(value_of(made.metadata, "token_type"));
  EXPECT_EQ(tokens[258], "Ġthe");
  EXPECT_EQ(types[258], 1);
  EXPECT_EQ(tokens[261], "<|end|>");
  EXPECT_EQ(types[261], 3);
  EXPECT_EQ(tokens[263], "[PAD263]"); // rows of the embedding without a token
  EXPECT_EQ(types[263], 5);
  EXPECT_EQ(std::get<std::vector<std::string>>(value_of(made.metadata, "merges"))[2], "Ġt he");
  EXPECT_EQ(made.unlisted_pairs, 0);
  EXPECT_ERROR(gguf_vocabulary(testing::tiny_byte_level(), 100, "here"), "rows of embeddings");
}

TEST(GgufVocabulary, sentencepieces_merges_become_scores) {
  const GgufVocabulary made = gguf_vocabulary(testing::tiny_sentencepiece(true), 264, "here");
  const auto scores = std::get<std::vector<double>>(value_of(made.metadata, "scores"));
  const auto tokens = std::get<std::vector<std::string>>(value_of(made.metadata, "tokens"));
  const auto score = [&](const std::string& text) {
    return scores[static_cast<std::size_t>(std::ranges::find(tokens, text) - tokens.begin())];
  };
  EXPECT_GT(score("ab"), score("▁ab"));
  EXPECT_GT(score("▁ab"), score("aa"));
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(value_of(made.metadata, "token_type"))[2], 6);
  EXPECT_EQ(value_of(made.metadata, "add_space_prefix"), GgufValue(true));
}

TEST(GgufVocabulary, what_scores_cannot_say_is_refused_or_counted) {
  Json tokenizer = testing::tiny_sentencepiece(true);
  Json& merges = tokenizer["model"]["merges"];
  std::swap(merges[0], merges[1]); // "▁ab" before the "ab" it is made of
  EXPECT_NO_THROW(gguf_vocabulary(tokenizer, 264, "here"));
  merges.push_back(Json::array({"a", "b"})); // once more, after others
  EXPECT_ERROR(gguf_vocabulary(tokenizer, 264, "here"), "follow from no scores");
  tokenizer = testing::tiny_sentencepiece(true);
  tokenizer["model"]["merges"].erase(2); // "aa" joins by its score all the same
  EXPECT_EQ(gguf_vocabulary(tokenizer, 264, "here").unlisted_pairs, 1);
}

} // namespace
} // namespace latticelens
