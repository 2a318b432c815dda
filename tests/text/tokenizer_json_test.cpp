// Own small vocabularies: what is encoded, what is refused.
#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "tests/support.h"
#include "tests/text/tiny_tokenizers.h"
#include "text/tokenizer.h"

namespace latticelens {
namespace {

using testing::TemporaryFolder;
using testing::tiny_byte_level;
using testing::tiny_sentencepiece;
using Ids = std::vector<TokenId>;

std::unique_ptr<Tokenizer> open_text(const std::string& text) {
  const TemporaryFolder folder;
  write_text(folder / "tokenizer.json", text);
  return open_tokenizer(folder.path());
}

std::unique_ptr<Tokenizer> open_json(const Json& json) {
  return open_text(to_text(json));
}

std::string random_text(Random& random, std::size_t characters) {
  constexpr char32_t ranges[][2] = {{0, 0x7f},        {0x80, 0x7ff},       {0x3040, 0x30ff},
                                    {0x4e00, 0x9fff}, {0x1f300, 0x1f6ff},  {0xe000, 0xfffd},
                                    {'a', 'z'},       {0x10000, 0x10ffff}, {' ', ' '}};
  std::string text;
  for (std::size_t i = 0; i < characters; ++i) {
    const auto& range = ranges[random.next() % std::size(ranges)];
    append_character(text,
                     range[0] + static_cast<char32_t>(random.next() % (range[1] - range[0] + 1)));
  }
  return text;
}

TEST(ByteLevel, merges_by_rank_within_the_pieces_of_the_regex) {
  const auto tokenizer = open_json(tiny_byte_level());
  EXPECT_EQ(tokenizer->encode("hello the").ids, (Ids{260, 'o', 258}));
  EXPECT_EQ(tokenizer->encode("the  the").ids, (Ids{'t', 256, ' ', 258}));
  EXPECT_EQ(tokenizer->encode("").ids, Ids{});
  EXPECT_EQ(tokenizer->vocabulary_size(), 262);
  EXPECT_FALSE(tokenizer->adds_begin_of_text());
  EXPECT_EQ(tokenizer->begin_of_text(), std::nullopt);
}

TEST(ByteLevel, finds_added_tokens_only_on_request) {
  const auto tokenizer = open_json(tiny_byte_level());
  EXPECT_EQ(tokenizer->encode("he<|end|>", SpecialTokens::parsed).ids, (Ids{256, 261}));
  EXPECT_EQ(tokenizer->encode("<|end|>").ids.size(), 7);
  EXPECT_EQ(tokenizer->decode({256, 261}), "he<|end|>");
  EXPECT_ERROR(tokenizer->decode({262}), "id 262 is outside the vocabulary of 262");
  EXPECT_ERROR(tokenizer->decode({-1}), "id -1 is outside");
}

TEST(ByteLevel, gives_back_every_text) {
  const auto tokenizer = open_json(tiny_byte_level());
  Random random(7);
  for (int i = 0; i < 300; ++i) {
    const std::string text = random_text(random, i % 40);
    const Encoding encoding = tokenizer->encode(text);
    EXPECT_EQ(tokenizer->decode(encoding.ids), text);
    EXPECT_EQ(encoding.dropped_bytes, 0);
  }
  const std::string japanese =
      "吾輩は猫である。👩‍👩‍👧 名前は\n\nまだ無い。";
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(japanese).ids), japanese);
  const Ids half = {0xe5, 0x90}; // two bytes of three
  EXPECT_EQ(tokenizer->decode(half), "\xef\xbf\xbd");
}

TEST(ByteLevel, refuses_text_that_is_not_utf8_and_says_where) {
  const auto tokenizer = open_json(tiny_byte_level());
  EXPECT_ERROR(tokenizer->encode("abc\xff"), "not UTF-8 at byte 3");
  EXPECT_ERROR(tokenizer->encode("\xed\xa0\x80"), "not UTF-8 at byte 0"); // a surrogate
  EXPECT_ERROR(tokenizer->encode("long enough ascii \xe3\x81"), "not UTF-8 at byte 18");
}

TEST(ByteLevel, counts_bytes_without_token_and_merges_across_them) {
  Json json = tiny_byte_level();
  json["model"]["vocab"].erase("x");
  const auto tokenizer = open_json(json);
  const Encoding encoding = tokenizer->encode("hxexx");
  EXPECT_EQ(encoding.ids, Ids{256});
  EXPECT_EQ(encoding.dropped_bytes, 3);
  const Encoding twice = tokenizer->encode("hxexx hxexx"); // the second from memory
  EXPECT_EQ(twice.dropped_bytes, 6);
}

TEST(ByteLevel, encodes_a_megabyte_without_spaces_quickly) {
  const auto tokenizer = open_json(tiny_byte_level());
  const std::string letters(1 << 20, 'l');
  EXPECT_EQ(tokenizer->encode(letters).ids.size(), letters.size() / 2);
  const std::string spaces = std::string(1 << 20, ' ') + "x";
  EXPECT_EQ(tokenizer->encode(spaces).ids.size(), spaces.size());
}

TEST(SentencePieceJson, falls_back_to_bytes_and_gives_back_every_text) {
  const auto tokenizer = open_json(tiny_sentencepiece(true));
  const TokenId mark = 2 + 256;
  EXPECT_EQ(tokenizer->encode("ab aab").ids, (Ids{mark + 4, mark, mark + 1, mark + 3}));
  EXPECT_EQ(tokenizer->encode("é").ids, (Ids{mark, 2 + 0xc3, 2 + 0xa9}));
  Random random(11);
  for (int i = 0; i < 300; ++i) {
    const std::string text = random_text(random, i % 40);
    if (text.find("▁") != std::string::npos) // is a space in this scheme
      continue;
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text).ids), text);
  }
  EXPECT_EQ(tokenizer->decode({2 + 0xc3}), "\xef\xbf\xbd");
}

TEST(SentencePieceJson, joins_unknown_characters_and_counts_their_bytes) {
  const auto tokenizer = open_json(tiny_sentencepiece(false));
  const Encoding encoding = tokenizer->encode("日本a語");
  EXPECT_EQ(encoding.ids, (Ids{2, 0, 3, 0}));
  EXPECT_EQ(encoding.dropped_bytes, 9);
}

TEST(SentencePieceJson, cutting_long_text_changes_no_id) {
  const auto tokenizer = open_json(tiny_sentencepiece(true));
  Random random(3);
  std::string text;
  for (int i = 0; i < 400; ++i)
    text += "ab "[random.next() % 3];
  // By the definition: the lowest rank first, leftmost, in the whole text.
  std::vector<std::string> symbols = {"▁"};
  for (char c : text)
    symbols.push_back(c == ' ' ? "▁" : std::string(1, c));
  const std::pair<std::string, std::string> merges[] = {{"a", "b"}, {"▁", "ab"}, {"a", "a"}};
  for (const auto& [left, right] : merges)
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i)
      if (symbols[i] == left && symbols[i + 1] == right) {
        symbols[i] += symbols[i + 1];
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
  const std::vector<std::string> names = {"▁", "a", "b", "ab", "▁ab", "aa"};
  Ids expected;
  for (const std::string& symbol : symbols)
    expected.push_back(static_cast<TokenId>(
        258 + (std::find(names.begin(), names.end(), symbol) - names.begin())));
  EXPECT_EQ(tokenizer->encode(text).ids, expected);
}

TEST(AddedTokens, take_the_longest_and_the_space_beside_them) {
  Json json = tiny_byte_level();
  Json longer = json["added_tokens"][0];
  longer["id"] = 262;
  longer["content"] = "<|end|>>";
  longer["rstrip"] = true;
  longer["lstrip"] = true;
  json["added_tokens"].push_back(longer);
  const auto tokenizer = open_json(json);
  EXPECT_EQ(tokenizer->encode("h \n<|end|>>  e<|end|>", SpecialTokens::parsed).ids,
            (Ids{'h', 262, 'e', 261}));
}

TEST(BeginOfText, comes_from_the_template_or_from_tokenizer_config) {
  Json json = tiny_byte_level();
  json["post_processor"] = parse_json(R"({"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<|end|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "pair": [], "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [261], "tokens": ["<|end|>"]}}})",
                                      "template");
  EXPECT_TRUE(open_json(json)->adds_begin_of_text());
  EXPECT_EQ(open_json(json)->begin_of_text(), 261);
  const TemporaryFolder folder;
  write_text(folder / "tokenizer.json", to_text(tiny_byte_level()));
  write_text(folder / "tokenizer_config.json",
             R"({"bos_token": {"content": "<|end|>"}, "add_bos_token": true})");
  EXPECT_TRUE(open_tokenizer(folder.path())->adds_begin_of_text());
  EXPECT_EQ(open_tokenizer(folder.path())->begin_of_text(), 261);
  write_text(folder / "tokenizer_config.json", R"({"bos_token": "<nowhere>"})");
  EXPECT_ERROR(open_tokenizer(folder.path()), "names bos_token \"<nowhere>\"");
}

TEST(ToTokenizerJson, is_the_files_own_text) {
  const std::string text = to_text(tiny_byte_level()) + "\n";
  EXPECT_EQ(open_text(text)->to_tokenizer_json(), text);
}

TEST(PreTokenizers, split_as_their_settings_say) {
  const auto ids = [](const std::string& pre_tokenizer, const std::string& text) {
    Json json = tiny_byte_level();
    json["pre_tokenizer"] = parse_json(
        R"({"type": "Sequence", "pretokenizers": [)" + pre_tokenizer +
            R"(, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})",
        "pre");
    return open_json(json)->encode(text).ids;
  };
  const auto split = [&](const std::string& behaviour) {
    return ids(R"({"type": "Split", "pattern": {"String": "e"}, "behavior": ")" + behaviour + "\"}",
               "hehello");
  };
  EXPECT_EQ(split("Removed"), (Ids{'h', 'h', 259, 'o'}));
  EXPECT_EQ(split("Isolated"), (Ids{'h', 'e', 'h', 'e', 259, 'o'}));
  EXPECT_EQ(split("MergedWithPrevious"), (Ids{256, 256, 259, 'o'}));
  EXPECT_EQ(split("MergedWithNext"), (Ids{'h', 'e', 'h', 'e', 259, 'o'}));
  EXPECT_EQ(ids(R"({"type": "Digits", "individual_digits": true})", "he1he"), (Ids{256, '1', 256}));
  EXPECT_EQ(ids(R"({"type": "Split", "pattern": {"Regex": "\\s"}, "behavior": "Removed"})",
                "h\u180ee he\u3000he")
                .size(),
            7); // U+180E (three bytes) is no white space
}

TEST(Hostile, texts_that_are_no_tokenizer) {
  const std::string good = to_text(tiny_byte_level());
  EXPECT_ERROR(open_text(good.substr(0, good.size() / 2)), "not valid JSON");
  EXPECT_ERROR(open_text("[]"), "should be an object");
  EXPECT_ERROR(open_text("{}"), "\"model\" should be an object");
  EXPECT_ERROR(open_text(R"({"model": 3})"), "\"model\" should be an object");
  EXPECT_ERROR(open_text(""), "not valid JSON");
  std::string bomb = R"({"normalizer": )";
  for (int i = 0; i < 10000; ++i)
    bomb += R"({"type": "Sequence", "normalizers": [)";
  EXPECT_ERROR(open_text(bomb), "nested deeper than 64");
  const TemporaryFolder folder;
  EXPECT_ERROR(open_tokenizer(folder.path()), "no tokenizer.json and no SentencePiece .model");
  EXPECT_ERROR(open_tokenizer(folder / "x.json"), "no such file");
  write_text(folder / "x.bin", "x");
  EXPECT_ERROR(open_tokenizer(folder / "x.bin"), "unknown kind of file");
}

TEST(Hostile, vocabularies_and_merges) {
  const auto refused = [](const char* pointer, const char* value, const char* message) {
    Json json = tiny_byte_level();
    json[Json::json_pointer(pointer)] = parse_json(value, "value");
    EXPECT_ERROR(open_json(json), message);
  };
  refused("/model/vocab/zz", "4194304", "outside 0..4194303");
  refused("/model/vocab/zz", "-1", "outside 0..4194303");
  refused("/model/vocab/zz", "18446744073709551615", "outside 0..4194303");
  refused("/model/vocab/zz", "5", "has id 5, which \"ą\" has too");
  refused("/model/vocab/zz", "1.5", "should be an integer");
  refused("/model/vocab", "[]", "\"vocab\" of the model should be an object");
  refused("/model/merges", "{}", "\"merges\" should be an array");
  refused("/model/merges/0", "\"h zz\"", "a merge names \"zz\"");
  refused("/model/merges/0", "\"o o\"", "a merge names \"oo\"");
  refused("/model/merges/0", "\"hello\"", "should have one space");
  refused("/model/merges/0", "[\"h\"]", "a merge should be");
  refused("/model/merges/0", "[\"h\", \"\"]", "a merge names \"\"");
  refused("/model/merges/0", "7", "a merge should be");
  refused("/added_tokens/0/id", "3", "has the id of");
  refused("/added_tokens/0/id", "99999999", "outside 0..4194303");
  refused("/added_tokens/0/content", "\"he\"", "has ids 256 and 261");
  refused("/added_tokens/0/single_word", "true", "single_word");
  Json gap = tiny_byte_level();
  gap["model"]["vocab"]["zz"] = 5000;
  EXPECT_EQ(open_json(gap)->vocabulary_size(), 5001);
  EXPECT_ERROR(open_json(gap)->decode({4999}), "outside the vocabulary");
}

TEST(Hostile, components_that_are_not_supported_are_named) {
  const auto refused = [](const char* pointer, const char* value, const char* message) {
    Json json = tiny_byte_level();
    json[Json::json_pointer(pointer)] = parse_json(value, "value");
    EXPECT_ERROR(open_json(json), message);
  };
  refused("/normalizer", R"({"type": "Lowercase"})", "normalizer \"Lowercase\" is not supported");
  refused("/normalizer", R"({"type": "NFC", "form": 1})", "setting \"form\" of NFC");
  refused("/pre_tokenizer", R"({"type": "Whitespace"})", "pre-tokenizer \"Whitespace\"");
  refused("/decoder", R"({"type": "WordPiece"})", "decoder \"WordPiece\"");
  refused("/post_processor", R"({"type": "RobertaProcessing"})",
          "post-processor \"RobertaProcessing\"");
  refused("/post_processor",
          R"({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}},
              {"SpecialToken": {"id": "<|end|>"}}], "special_tokens": {}})",
          "more than one token, before the text");
  refused("/model/type", "\"Unigram\"", "model \"Unigram\" is not supported");
  refused("/model/dropout", "0.1", "\"dropout\"");
  refused("/model/end_of_word_suffix", "\"</w>\"", "\"end_of_word_suffix\"");
  refused("/model/continuing_subword_prefix", "\"##\"", "\"continuing_subword_prefix\"");
  refused("/model/unk_token", "\"<unk>\"", "unk_token \"<unk>\" is not in the vocabulary");
  refused("/model/byte_fallback", "true", "\"byte_fallback\" together with ByteLevel");
  refused("/model/new_idea", "1", "setting \"new_idea\"");
  refused("/truncation", "{\"max_length\": 5}", "\"truncation\" is not supported");
  refused("/extra", "1", "setting \"extra\"");
}

TEST(Hostile, regexes) {
  const auto refused = [](const std::string& pattern, const char* message,
                          const std::string& text = "") {
    Json json = tiny_byte_level();
    json["pre_tokenizer"] = {{"type", "Split"},
                             {"pattern", {{"Regex", pattern}}},
                             {"behavior", "Isolated"},
                             {"invert", false}};
    EXPECT_ERROR(open_json(json)->encode(text), message);
  };
  refused("(", "regex \"(\"");
  refused("[a", "regex \"[a\"");
  refused("", "an empty pattern");
  refused("\\w+", "\\w is not supported");
  refused("\\C", "\\C is not supported");
  refused("[[:alpha:]]", "classes inside classes");
  refused("(*UTF)a", "verbs");
  refused("a{2}+", "possessive");
  refused("\\p{Nonsense}", "regex");
  refused(std::string(70000, 'a'), "longer than 64 KiB");
  refused("(a+)+$", "takes too many steps", std::string(64, 'a') + "b");
}

} // namespace
} // namespace latticelens
