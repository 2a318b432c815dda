#include "sae/sampling_rule.h"

#include "core/error.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

std::vector<Document> documents(const std::vector<std::size_t>& lengths) {
  std::vector<Document> all;
  for (const std::size_t length : lengths)
    all.push_back({"a.txt", 0, std::string(length, 'a' + static_cast<char>(all.size()))});
  return all;
}

class Sampling : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_tokenizer(folder_.path(), testing::tiny_vocabulary());
    tokenizer_ = open_tokenizer(folder_.path());
    begin_ = tokenizer_->begin_of_text() ? 1 : 0;
  }
  testing::TemporaryFolder folder_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::int64_t begin_ = 0;
};

TEST_F(Sampling, first_takes_the_beginning_of_documents_that_are_long_enough) {
  const SampledText text = sample(documents({10, 3, 9, 200}), *tokenizer_, {true, 9});
  const std::int64_t own = 9 - begin_;
  EXPECT_EQ(text.windows.size(), 3u);
  EXPECT_EQ(text.left_out, 1);
  EXPECT_EQ(text.taken(), 3 * own);
  EXPECT_EQ(text.windows[2].document, 3);
  for (const TextWindow& window : text.windows)
    EXPECT_EQ(window.ids.size(), 9u);
}

TEST_F(Sampling, all_takes_every_token_once) {
  const SampledText text = sample(documents({10, 3, 9, 200}), *tokenizer_, {false, 16});
  EXPECT_EQ(text.taken(), 10 + 3 + 9 + 200);
  EXPECT_EQ(text.left_out, 0);
}

TEST_F(Sampling, nothing_long_enough_is_an_error) {
  EXPECT_ERROR(sample(documents({10, 3}), *tokenizer_, {true, 65}), "--sampling all:256");
}

TEST(SamplingRules, are_words_that_come_back) {
  for (const char* rule : {"first:65", "all:256", "all:2"})
    EXPECT_EQ(to_text(parse_sampling(rule)), rule);
  for (const char* wrong : {"first", "all:1", "all:2x", "some:3", ""})
    EXPECT_ERROR(parse_sampling(wrong), "no sampling rule");
}

TEST(Parts, follow_from_the_text_alone_in_the_papers_shares) {
  std::vector<Document> all;
  for (int i = 0; i < 5000; ++i)
    all.push_back({"a.txt", 0, "text " + std::to_string(i)});
  EXPECT_NEAR(static_cast<double>(documents_of(all, Part::training).size()) / 5000, 0.8, 0.03);
  EXPECT_NEAR(static_cast<double>(documents_of(all, Part::test).size()) / 5000, 0.1, 0.03);
  EXPECT_EQ(part_of({"b.jsonl", 7, "text 3"}), part_of(all[3]));
}

} // namespace
} // namespace latticelens
