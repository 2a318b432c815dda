#include "text/corpus.h"

#include "core/error.h"
#include "core/files.h"
#include "tests/support.h"

namespace latticelens {
namespace {

// One id a byte.
class ByteTokenizer : public Tokenizer {
 public:
  explicit ByteTokenizer(bool adds_begin) : adds_begin_(adds_begin) {}
  Encoding encode(std::string_view text, SpecialTokens) const override {
    return {{text.begin(), text.end()}, 3};
  }
  std::string decode(const std::vector<TokenId>& ids) const override {
    return {ids.begin(), ids.end()};
  }
  std::int64_t vocabulary_size() const override { return 257; }
  std::optional<TokenId> begin_of_text() const override { return 256; }
  bool adds_begin_of_text() const override { return adds_begin_; }
  std::string to_tokenizer_json() const override { return ""; }

 private:
  bool adds_begin_;
};

using Ids = std::vector<TokenId>;

TEST(Corpus, joins_files_and_refuses_what_is_no_text) {
  const testing::TemporaryFolder folder;
  write_text(folder / "a.txt", "one\n");
  write_text(folder / "b.txt", "");
  write_text(folder / "c.txt", "猫");
  write_text(folder / "latin.txt", "caf\xe9!");
  EXPECT_EQ(read_corpus({folder / "a.txt", folder / "b.txt", folder / "c.txt"}), "one\n\n\n猫");
  EXPECT_ERROR(read_corpus({folder / "latin.txt"}), "latin.txt: not UTF-8 at byte 3");
  EXPECT_ERROR(read_corpus({folder / "b.txt"}), "no text in it");
  EXPECT_ERROR(read_corpus({}), "no text file given");
  EXPECT_ERROR(read_corpus({folder / "absent.txt"}), "absent.txt");
}

TEST(Windows, follow_each_other_without_the_tail) {
  const TokenWindows windows = cut_windows(ByteTokenizer(false), "abcdefgh", 3);
  EXPECT_EQ(windows.count, 2);
  EXPECT_EQ(windows.length, 3);
  EXPECT_EQ(windows.ids, (Ids{'a', 'b', 'c', 'd', 'e', 'f'}));
  EXPECT_EQ(windows.dropped_bytes, 3);
  EXPECT_EQ(cut_windows(ByteTokenizer(false), "abcdefgh", 3, 1).ids, (Ids{'a', 'b', 'c'}));
  EXPECT_EQ(cut_windows(ByteTokenizer(false), "abcdefgh", 3, 9).count, 2);
}

TEST(Windows, begin_with_bos_once_where_the_tokenizer_adds_it) {
  const TokenWindows windows = cut_windows(ByteTokenizer(true), "abc", 2);
  EXPECT_EQ(windows.ids, (Ids{256, 'a', 'b', 'c'}));
}

TEST(Windows, need_enough_text) {
  EXPECT_ERROR(cut_windows(ByteTokenizer(false), "abc", 4),
               "the text has 3 tokens, one window needs 4; give more text or a shorter window");
  EXPECT_ERROR(cut_windows(ByteTokenizer(false), "abc", 0), "at least 1");
  EXPECT_ERROR(cut_windows(ByteTokenizer(false), "abc", 1, 0), "at least 1");
}

} // namespace
} // namespace latticelens
