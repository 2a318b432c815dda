#include "core/error.h"
#include "core/files.h"
#include "pretrain/languages.h"
#include "pretrain/token_windows.h"
#include "pretrain/train_tokenizer.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <set>

namespace latticelens {
namespace {

using testing::TemporaryFolder;

std::string english(int i) {
  return "The command number " + std::to_string(i * i) + " opens a file and reads " +
         std::to_string(i) + " lines of it.\n\nIt returns what it read.\n";
}

std::string japanese(int i) {
  return "コマンド番号" + std::to_string(i * i) + "はファイルを開き、" + std::to_string(i) +
         "行を読み込みます。\n\n読み込んだものを返します。\n";
}

/// Forty documents of a language.
void write_language(const std::filesystem::path& folder, std::string (*text)(int)) {
  make_directory(folder);
  for (int i = 0; i < 40; ++i)
    write_text(folder / (std::to_string(i) + ".txt"), text(i));
}

TEST(Languages, a_tenth_is_held_out_and_nothing_lost) {
  const TemporaryFolder folder;
  write_language(folder / "en", english);
  write_language(folder / "ja", japanese);
  const std::vector<Language> languages =
      read_languages({folder / "en/", folder / "ja"}); // a slash at the end is no name
  ASSERT_EQ(languages.size(), 2u);
  EXPECT_EQ(languages[0].name, "en");
  EXPECT_EQ(languages[1].name, "ja");
  for (const Language& language : languages) {
    EXPECT_EQ(language.training.size() + language.held_out.size(), 40u);
    EXPECT_GE(language.held_out.size(), 1u);
    EXPECT_LE(language.held_out.size(), 10u);
  }
  EXPECT_EQ(hash_of(languages), hash_of(read_languages({folder / "en", folder / "ja"})));
  EXPECT_NE(hash_of(languages), hash_of(read_languages({folder / "ja", folder / "en"})));
}

TEST(Languages, held_out_documents_are_written_as_they_were) {
  const TemporaryFolder folder;
  make_directory(folder / "in/below");
  write_text(folder / "in/below/a.txt", english(1));
  write_text(folder / "in/b.jsonl", "{\"text\": \"one\", \"more\": 1}\n{\"text\": \"二\"}\n");
  std::vector<Document> documents = read_documents(folder / "in");
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_EQ(documents[1].text, "二");
  EXPECT_EQ(documents[1].line, 2);
  EXPECT_EQ(documents[2].text, english(1));
  documents.erase(documents.begin());
  write_documents(folder / "out", documents);
  EXPECT_EQ(read_text(folder / "out/below/a.txt"), english(1));
  EXPECT_EQ(read_text(folder / "out/b.jsonl"), "{\"text\":\"二\"}\n");
}

TEST(Languages, bad_files_are_named) {
  const TemporaryFolder folder;
  make_directory(folder / "bad");
  EXPECT_ERROR(read_documents(folder / "none"), "none: no such folder");
  EXPECT_ERROR(read_documents(folder / "bad"), "bad: no text in it");
  write_text(folder / "bad/a.txt", " \n");
  EXPECT_ERROR(read_documents(folder / "bad"), "a.txt: no text in it");
  write_text(folder / "bad/a.txt", "abc\xff");
  EXPECT_ERROR(read_documents(folder / "bad"), "a.txt: not UTF-8 at byte 3");
  write_text(folder / "bad/a.txt", "good");
  write_text(folder / "bad/b.jsonl", "{\"text\": \"one\"}\n{\"words\": 2}\n");
  EXPECT_ERROR(read_documents(folder / "bad"), "b.jsonl line 2");
  std::filesystem::remove(folder / "bad/b.jsonl");
  EXPECT_ERROR(read_languages({folder / "bad"}), "give more documents");
  write_language(folder / "en", english);
  EXPECT_ERROR(read_languages({folder / "en", folder / "en"}), "\"en\" too");
  EXPECT_ERROR(read_languages({}), "--text FOLDER");
}

TEST(Tokenizer, is_the_same_each_time_and_gives_both_languages_back) {
  const TemporaryFolder folder;
  std::vector<std::string> lines;
  for (int i = 0; i < 40; ++i)
    for (const std::string& text : {english(i), japanese(i)})
      lines.push_back(text.substr(0, text.find('\n')));
  for (const std::string kind : {"bpe", "unigram"}) {
    const std::string model = train_tokenizer(lines, kind, 340);
    EXPECT_EQ(model, train_tokenizer(lines, kind, 340)) << kind;
    write_tokenizer(folder.path(), model, kind);
    const auto tokenizer = open_tokenizer(folder.path());
    EXPECT_EQ(tokenizer->vocabulary_size(), 340);
    EXPECT_EQ(tokenizer->begin_of_text(), 1);
    EXPECT_TRUE(tokenizer->adds_begin_of_text());
    for (const std::string& text : {english(3), japanese(3), std::string("鰯 and  é\n")})
      EXPECT_EQ(tokenizer->decode(tokenizer->encode(text).ids), text) << kind;
  }
}

TEST(Tokenizer, says_when_a_vocabulary_does_not_fit_the_text) {
  const std::vector<std::string> lines = {"some words", "and some more words"};
  for (const char* kind : {"bpe", "unigram"})
    for (const std::int64_t vocabulary : {-1, 0, 100, 100000})
      EXPECT_ERROR(train_tokenizer(lines, kind, vocabulary),
                   "--vocabulary " + std::to_string(vocabulary));
}

std::vector<TokenId> counting(int count) {
  std::vector<TokenId> ids;
  for (int i = 0; i < count; ++i)
    ids.push_back(i);
  return ids;
}

TEST(Windows, every_pass_has_every_window_once_in_another_order) {
  ShuffledWindows windows(counting(4 * 25 + 3), 4, 7); // three tokens are left over
  ASSERT_EQ(windows.count(), 25);
  std::vector<std::vector<std::int64_t>> passes;
  for (int pass = 0; pass < 2; ++pass) {
    const Tensor drawn = windows.draw(pass * 25, 25);
    std::vector<std::int64_t> firsts;
    for (int row = 0; row < 25; ++row) {
      const std::int64_t first = drawn[row][0].item<std::int64_t>();
      EXPECT_TRUE(at::equal(drawn[row], at::arange(first, first + 4, at::kLong)));
      firsts.push_back(first);
    }
    EXPECT_EQ(std::set<std::int64_t>(firsts.begin(), firsts.end()).size(), 25u);
    passes.push_back(firsts);
  }
  EXPECT_NE(passes[0], passes[1]);
}

TEST(Windows, a_draw_depends_on_its_number_and_the_seed_alone) {
  ShuffledWindows all(counting(400), 4, 7), late(counting(400), 4, 7), other(counting(400), 4, 8);
  const Tensor drawn = all.draw(0, 230);
  EXPECT_TRUE(at::equal(late.draw(195, 10), drawn.narrow(0, 195, 10))); // across a pass's end
  EXPECT_FALSE(at::equal(other.draw(0, 230), drawn));
  EXPECT_ERROR(ShuffledWindows(counting(3), 4, 0), "the text has 3 tokens");
}

TEST(Windows, documents_are_joined_by_the_token_that_begins_a_text) {
  const TemporaryFolder folder;
  write_tokenizer(folder.path(), train_tokenizer({"abc abc", "bcd"}, "bpe", 270), "bpe");
  const auto tokenizer = open_tokenizer(folder.path());
  const std::vector<TokenId> a = tokenizer->encode("abc").ids, b = tokenizer->encode("bcd").ids;
  std::vector<TokenId> expected = {1};
  expected.insert(expected.end(), a.begin(), a.end());
  expected.push_back(1);
  expected.insert(expected.end(), b.begin(), b.end());
  EXPECT_EQ(packed_ids(*tokenizer, {{"a.txt", 0, "abc"}, {"b.txt", 0, "bcd"}}), expected);
}

} // namespace
} // namespace latticelens
