// Token ids of Hugging Face's tokenizers, SentencePiece and llama.cpp.
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "tests/support.h"
#include "tests/text/sha256.h"
#include "text/tokenizer.h"
#include <fstream>
#include <sstream>

namespace latticelens {
namespace {

using testing::data_folder;

struct Oracle {
  const char* name;
  const char* file;
  SpecialTokens special = SpecialTokens::parsed; // as the program that made the oracle does it
};

std::ostream& operator<<(std::ostream& out, const Oracle& oracle) {
  return out << oracle.name;
}

std::vector<TokenId> ids_of(const Json& json) {
  return json.get<std::vector<TokenId>>();
}

std::string ids_sum(const std::vector<TokenId>& ids) {
  return testing::Sha256::of(
      std::string(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(TokenId)));
}

std::vector<Json> read_lines(const std::filesystem::path& path) {
  std::istringstream lines(read_text(path));
  std::vector<Json> items;
  for (std::string line; std::getline(lines, line);)
    items.push_back(parse_json(line, path.string()));
  return items;
}

// Same ids, and the same text back from them.
void expect_strings(const Tokenizer& tokenizer, const std::string& name, SpecialTokens special) {
  for (const Json& item : read_lines(data_folder() / "oracles/tokenizers" / (name + ".jsonl"))) {
    const auto text = item["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text, special).ids, ids_of(item["ids"])) << to_text(item["text"]);
    EXPECT_EQ(tokenizer.decode(ids_of(item["ids"])), item["decoded"].get<std::string>());
  }
}

class TokenizerOracle : public ::testing::TestWithParam<Oracle> {};

TEST_P(TokenizerOracle, gives_the_same_ids_and_texts) {
  const Oracle& oracle = GetParam();
  REQUIRE_DATA(oracle.file);
  const auto tokenizer = open_tokenizer(data_folder() / oracle.file);
  expect_strings(*tokenizer, oracle.name, oracle.special);
}

TEST_P(TokenizerOracle, gives_the_same_ids_for_whole_files) {
  const Oracle& oracle = GetParam();
  REQUIRE_DATA(oracle.file);
  const auto tokenizer = open_tokenizer(data_folder() / oracle.file);
  const Json summary = read_json(data_folder() / "oracles/tokenizers/summary.json");
  for (const auto& [file, expected] : summary["sets"][oracle.name]["whole_files"].items()) {
    const auto ids = tokenizer->encode(read_text(data_folder() / "text" / file)).ids;
    EXPECT_EQ(ids.size(), expected["tokens"].get<std::size_t>()) << file;
    EXPECT_EQ(ids_sum(ids), expected["sha256_int32_le"].get<std::string>()) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, TokenizerOracle,
    ::testing::Values(Oracle{"gpt2", "tokenizers/gpt2/tokenizer.json"},
                      Oracle{"llama2", "tokenizers/llama2/tokenizer.json"},
                      Oracle{"llama3_1", "tokenizers/llama3_1/tokenizer.json"},
                      Oracle{"smollm2", "oracles/smollm2/tokenizer.json"},
                      Oracle{"llm-jp-v3", "tokenizers/llm-jp/llm-jp-tokenizer-100k.ver3.0b1.model",
                             SpecialTokens::as_text}),
    [](const auto& name) {
      std::string text = name.param.name;
      std::replace(text.begin(), text.end(), '-', '_');
      return text;
    });

// llama.cpp's test strings, without BOS.
struct Vectors {
  const char* name;
  const char* tokenizer;
};

std::ostream& operator<<(std::ostream& out, const Vectors& vectors) {
  return out << vectors.name;
}

class LlamaCppVectors : public ::testing::TestWithParam<Vectors> {
 protected:
  static std::filesystem::path file(const std::string& ending) {
    return data_folder() / "tokenizers/vectors" /
           ("ggml-vocab-" + std::string(GetParam().name) + ".gguf" + ending);
  }

  static void expect_vectors(const Tokenizer& tokenizer) {
    const std::string input = read_text(file(".inp"));
    std::istringstream expected(read_text(file(".out")));
    const std::string separator = "\n__ggml_vocab_test__\n";
    int count = 0;
    std::string line;
    for (std::size_t begin = 0; begin <= input.size() && std::getline(expected, line); ++count) {
      const std::size_t end = std::min(input.find(separator, begin), input.size());
      const std::string text = input.substr(begin, end - begin);
      std::istringstream numbers(line);
      const std::vector<TokenId> ids{std::istream_iterator<TokenId>(numbers), {}};
      EXPECT_EQ(tokenizer.encode(text).ids, ids) << text;
      begin = end + separator.size();
    }
    EXPECT_EQ(count, 46);
  }
};

TEST_P(LlamaCppVectors, gives_the_same_ids_as_llama_cpp) {
  REQUIRE_DATA(GetParam().tokenizer);
  expect_vectors(*open_tokenizer(data_folder() / GetParam().tokenizer));
}

INSTANTIATE_TEST_SUITE_P(
    Files, LlamaCppVectors,
    ::testing::Values(Vectors{"gpt-2", "tokenizers/vectors/ggml-vocab-gpt-2.gguf"},
                      Vectors{"llama-spm", "tokenizers/vectors/ggml-vocab-llama-spm.gguf"},
                      Vectors{"phi-3", "tokenizers/vectors/ggml-vocab-phi-3.gguf"},
                      Vectors{"llama-bpe", "tokenizers/llama3_1/tokenizer.json"}),
    [](const auto& name) {
      std::string text = name.param.name;
      std::replace(text.begin(), text.end(), '-', '_');
      return text;
    });

// The strings of an oracle, and a whole file.
void expect_same(const Tokenizer& a, const Tokenizer& b) {
  for (const Json& item : read_lines(data_folder() / "oracles/tokenizers/llama2.jsonl")) {
    const auto text = item["text"].get<std::string>();
    EXPECT_EQ(a.encode(text).ids, b.encode(text).ids) << text;
    EXPECT_EQ(a.encode(text, SpecialTokens::parsed).ids, b.encode(text, SpecialTokens::parsed).ids)
        << text;
  }
  const std::string file = read_text(data_folder() / "text/wiki.valid.raw");
  EXPECT_EQ(a.encode(file).ids, b.encode(file).ids);
}

TEST(TokenizerFiles, llama2_as_gguf_and_as_sentencepiece_model_give_the_same_ids) {
  REQUIRE_DATA("tokenizers/vectors/ggml-vocab-llama-spm.gguf");
  const auto gguf = open_tokenizer(data_folder() / "tokenizers/vectors/ggml-vocab-llama-spm.gguf");
  const auto model = open_tokenizer(data_folder() / "tokenizers/llama2/tokenizer.model");
  expect_same(*gguf, *model);
  EXPECT_EQ(model->begin_of_text(), 1);
  EXPECT_EQ(gguf->begin_of_text(), 1);
  EXPECT_TRUE(gguf->adds_begin_of_text());
  EXPECT_EQ(gguf->vocabulary_size(), 32000);
  EXPECT_EQ(model->vocabulary_size(), 32000);
  EXPECT_ERROR(model->to_tokenizer_json(), "carry the .model file along instead");
}

TEST(TokenizerFiles, gguf_vocabularies_written_as_tokenizer_json_give_the_same_ids) {
  REQUIRE_DATA("tokenizers/vectors/ggml-vocab-gpt-2.gguf");
  const testing::TemporaryFolder folder;
  const auto rewrite = [&](const std::string& file) {
    write_text(folder / "tokenizer.json",
               open_tokenizer(data_folder() / file)->to_tokenizer_json());
    return open_tokenizer(folder.path());
  };
  expect_strings(*rewrite("tokenizers/vectors/ggml-vocab-gpt-2.gguf"), "gpt2",
                 SpecialTokens::parsed);
  for (const char* file :
       {"tokenizers/vectors/ggml-vocab-llama-spm.gguf", "tokenizers/vectors/ggml-vocab-phi-3.gguf",
        "models/gguf/stories260K.gguf", "models/gguf/TinyStories-656K.f32.gguf"}) {
    const auto original = open_tokenizer(data_folder() / file);
    const auto rewritten = rewrite(file);
    expect_same(*original, *rewritten);
    EXPECT_EQ(original->begin_of_text(), rewritten->begin_of_text()) << file;
    EXPECT_TRUE(rewritten->adds_begin_of_text()) << file;
  }
}

TEST(TokenizerFiles, stories260K_gives_the_ids_that_its_training_code_gives) {
  REQUIRE_DATA("reference/llama2c/stories260K.tokens.i32");
  const auto tokenizer = open_tokenizer(data_folder() / "models/gguf/stories260K.gguf");
  const std::string bytes = read_text(data_folder() / "reference/llama2c/stories260K.tokens.i32");
  std::vector<TokenId> expected(bytes.size() / sizeof(TokenId));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(expected.data()));
  const std::string text = read_text(data_folder() / "reference/llama2c/text.txt");
  std::vector<TokenId> ids = tokenizer->encode(text).ids;
  ids.insert(ids.begin(), tokenizer->begin_of_text().value());
  ids.resize(std::min(ids.size(), expected.size()));
  expected.resize(ids.size());
  EXPECT_EQ(ids, expected);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(text).ids), text);
}

TEST(TokenizerFiles, tinystories_merges_across_spaces_and_counts_what_it_has_no_token_for) {
  REQUIRE_DATA("models/TinyStories-656K/tokenizer.json");
  const auto tokenizer = open_tokenizer(data_folder() / "models/TinyStories-656K");
  const std::string text = "Once upon a time, there was a little girl named Lily.";
  const Encoding encoding = tokenizer->encode(text);
  EXPECT_LT(encoding.ids.size(), 12);
  EXPECT_EQ(encoding.dropped_bytes, 0);
  EXPECT_EQ(tokenizer->decode(encoding.ids), text);
  EXPECT_EQ(tokenizer->encode("日本 語").dropped_bytes, 9);
  EXPECT_TRUE(tokenizer->adds_begin_of_text());
  EXPECT_EQ(tokenizer->begin_of_text(), 1);
}

// The texts of tokens.json and the sums of tokens_whole_files.json.
void expect_smollm2(const Tokenizer& tokenizer) {
  for (const Json& item : read_json(data_folder() / "oracles/smollm2/tokens.json")) {
    const auto text = item["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text, SpecialTokens::parsed).ids, ids_of(item["ids"])) << text;
    const char* plain = item.contains("ids_special_as_text") ? "ids_special_as_text" : "ids";
    EXPECT_EQ(tokenizer.encode(text).ids, ids_of(item[plain])) << text;
    EXPECT_EQ(tokenizer.decode(ids_of(item["ids"])), item["decoded"].get<std::string>());
  }
  const Json files = read_json(data_folder() / "oracles/smollm2/tokens_whole_files.json");
  const std::pair<const char*, const char*> names[] = {{"wiki_valid", "wiki.valid.raw"},
                                                       {"botchan", "botchan.txt"},
                                                       {"boolq", "boolq_val_passages.txt"}};
  for (const auto& [name, file] : names)
    EXPECT_EQ(ids_sum(tokenizer.encode(read_text(data_folder() / "text" / file)).ids),
              files[name]["sha256_int32_le"].get<std::string>())
        << file;
}

TEST(SmolLm2, its_tokenizer_json_splits_digits_and_counts_dropped_bytes) {
  REQUIRE_DATA("oracles/smollm2/tokenizer.json");
  const auto tokenizer = open_tokenizer(data_folder() / "oracles/smollm2/tokenizer.json");
  expect_smollm2(*tokenizer);
  const Encoding encoding = tokenizer->encode("a\x04 b \x1d");
  EXPECT_EQ(encoding.dropped_bytes, 2);
  EXPECT_EQ(tokenizer->decode(encoding.ids), "a b ");
}

std::filesystem::path smollm2_gguf() {
  if (const char* path = std::getenv("LATTICELENS_SMOLLM2"))
    return path;
  const auto folder = std::filesystem::path(LATTICELENS_SOURCE) / ".cache/smollm2";
  if (std::filesystem::is_directory(folder))
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (entry.path().extension() == ".gguf")
        return entry.path();
  return {};
}

TEST(SmolLm2, its_gguf_gives_the_same_ids_also_when_written_as_tokenizer_json) {
  REQUIRE_DATA("oracles/smollm2/tokenizer.json");
  const auto path = smollm2_gguf();
  if (path.empty())
    GTEST_SKIP() << "SKIPPED: no SmolLM2 GGUF; set LATTICELENS_SMOLLM2 to its path";
  const auto tokenizer = open_tokenizer(path);
  expect_smollm2(*tokenizer);
  expect_strings(*tokenizer, "smollm2", SpecialTokens::parsed);
  const testing::TemporaryFolder folder;
  write_text(folder / "tokenizer.json", tokenizer->to_tokenizer_json());
  const auto reopened = open_tokenizer(folder.path());
  expect_smollm2(*reopened);
  expect_strings(*reopened, "smollm2", SpecialTokens::parsed);
  EXPECT_EQ(tokenizer->begin_of_text(), 1);
  EXPECT_FALSE(tokenizer->adds_begin_of_text());
}

} // namespace
} // namespace latticelens
