// Tasks against the strings, token ids and scores of another program
// (../shared/data/oracles/tasks).
#include "core/error.h"
#include "core/files.h"
#include "core/run_directory.h"
#include "core/words.h"
#include "evaluate/task_set.h"
#include "tests/support.h"
#include "tests/tiny_model.h"
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

std::string oracle_name(const Task& task) {
  std::string name = task.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<Json> oracle_rows(const Task& task) {
  return read_lines(testing::data_folder() / "oracles/tasks" / (oracle_name(task) + ".jsonl"));
}

std::vector<Item> oracle_items(const Task& task, std::int64_t limit = 100) {
  return read_items(task, find_task_file(task, testing::data_folder() / "tasks"), limit);
}

/// Task rows as people have them, with the fewest words.
const std::map<std::string, std::string> plain_rows = {
    {"piqa", R"({"goal": "cut", "sol1": "use a knife", "sol2": "use a spoon", "label": 0})"},
    {"winogrande", R"({"sentence": "Ann beat Bea as _ ran faster.", "option1": "Ann",
                       "option2": "Bea", "answer": "1"})"},
    {"openbookqa", R"({"question_stem": "Ice is", "answerKey": "B",
                       "choices": {"text": ["hot", "cold"], "label": ["A", "B"]}})"},
    {"arc-easy", R"({"question": "What is wet?", "answerKey": "1",
                     "choices": {"text": ["water", "sand", "air"], "label": ["1", "2", "3"]}})"},
    {"arc-challenge", R"({"question": {"stem": "What is dry?", "choices": [
                          {"text": "water", "label": "A"}, {"text": "sand", "label": "B"}]},
                          "answerKey": "B"})"}};

Item plain_item(const Task& task) {
  return task.item(parse_json(plain_rows.at(task.name), "row"), "row");
}

TEST(Tasks, build_the_strings_and_labels_of_the_oracle) {
  REQUIRE_DATA("oracles/tasks");
  for (const Task& task : tasks()) {
    const std::vector<Json> expected = oracle_rows(task);
    const std::vector<Item> items = oracle_items(task);
    ASSERT_EQ(items.size(), expected.size()) << task.name;
    for (std::size_t i = 0; i < items.size(); ++i) {
      EXPECT_EQ(items[i].label, expected[i]["label"]);
      ASSERT_EQ(items[i].requests.size(), expected[i]["requests"].size()) << task.name << i;
      for (std::size_t j = 0; j < items[i].requests.size(); ++j) {
        const Json& request = expected[i]["requests"][j];
        EXPECT_EQ(items[i].requests[j].context, request["context"]);
        EXPECT_EQ(items[i].requests[j].continuation, request["continuation"]);
        EXPECT_EQ(items[i].characters[j], request["choice_characters"]);
      }
    }
  }
}

TEST(Tasks, encode_the_token_ids_of_the_oracle) {
  REQUIRE_DATA("oracles/smollm2/tokenizer.json");
  const auto tokenizer = open_tokenizer(testing::data_folder() / "oracles/smollm2/tokenizer.json");
  for (const Task& task : tasks()) {
    const std::vector<Json> expected = oracle_rows(task);
    const TokenItems encoded = encode_items(*tokenizer, oracle_items(task), {});
    EXPECT_EQ(encoded.truncated, 0);
    for (std::size_t i = 0; i < expected.size(); ++i)
      for (std::size_t j = 0; j < expected[i]["requests"].size(); ++j) {
        const Json& request = expected[i]["requests"][j];
        EXPECT_EQ(encoded.items[i][j].ids, request["ids"].get<std::vector<TokenId>>());
        EXPECT_EQ(encoded.items[i][j].context_tokens, request["context_tokens"]);
      }
  }
}

TEST(Tasks, take_the_tokenizers_bos_into_the_context) {
  REQUIRE_DATA("tokenizers/llama2");
  const auto tokenizer = open_tokenizer(testing::data_folder() / "tokenizers/llama2");
  const Item item = plain_item(task_named("piqa"));
  const TokenItem plain = encode_items(*tokenizer, {item}, {}).items[0];
  const TokenItem begun = encode_items(*tokenizer, {item}, {.begin_of_text = true}).items[0];
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(begun[i].ids.front(), tokenizer->begin_of_text());
    EXPECT_EQ(std::vector(begun[i].ids.begin() + 1, begun[i].ids.end()), plain[i].ids);
    EXPECT_EQ(begun[i].context_tokens, plain[i].context_tokens + 1);
  }
}

TEST(Tasks, smollm2_scores_items_as_the_oracle_does) {
  REQUIRE_DATA("oracles/tasks");
  const fs::path gguf =
      fs::path(LATTICELENS_SOURCE) / ".cache/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(gguf))
    GTEST_SKIP() << "SKIPPED: no " << gguf << "; scripts/fetch-smollm2 fetches it";
  const Model model = open_plain_model(gguf);
  std::vector<Item> items;
  std::vector<Json> expected;
  std::vector<bool> normalized;
  for (const Task& task : tasks()) {
    const std::vector<Item> first = oracle_items(task, 3);
    const std::vector<Json> rows = oracle_rows(task);
    for (std::size_t i = 0; i < first.size(); ++i) {
      items.push_back(first[i]);
      expected.push_back(rows[i]);
      normalized.push_back(task.normalized);
    }
  }
  const auto scores = score(model, encode_items(*open_tokenizer(gguf), items, {}).items);
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (std::size_t j = 0; j < scores[i].size(); ++j) {
      const Json& request = expected[i]["requests"][j];
      const auto values = request["token_logprobs"].get<std::vector<double>>();
      ASSERT_EQ(scores[i][j].token_log_probabilities.size(), values.size());
      for (std::size_t k = 0; k < values.size(); ++k)
        EXPECT_NEAR(scores[i][j].token_log_probabilities[k], values[k], 1e-3);
      EXPECT_EQ(scores[i][j].greedy, request["is_greedy"]);
    }
    const auto right = [&](bool by_length) {
      return answer_of(items[i], scores[i], by_length) == items[i].label;
    };
    EXPECT_EQ(right(false), expected[i]["acc"] == 1) << items[i].where;
    EXPECT_EQ(right(normalized[i]), expected[i][normalized[i] ? "acc_norm" : "acc"] == 1);
  }
}

class TaskFiles : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    make_directory((folder_ / name).parent_path());
    write_text(folder_ / name, text);
  }
  std::string one_line(const Task& task) const {
    return to_text(parse_json(plain_rows.at(task.name), "row")) + "\n";
  }
  testing::TemporaryFolder folder_;
};

TEST_F(TaskFiles, are_found_under_every_name_and_read) {
  for (const Task& task : tasks())
    for (const std::string& stem : task.files)
      for (const char* end : {".jsonl", ".first7.jsonl"}) {
        write(stem + end, one_line(task) + "\r\n" + one_line(task));
        const fs::path found = find_task_file(task, folder_.path());
        EXPECT_EQ(found, folder_ / (stem + end));
        EXPECT_EQ(read_items(task, found).size(), 2u);
        EXPECT_EQ(read_items(task, found, 1).size(), 1u);
        EXPECT_EQ(read_items(task, found)[1].where, found.string() + " line 3");
        fs::remove(found);
      }
}

TEST_F(TaskFiles, that_are_absent_are_named_and_parquet_has_its_conversion) {
  const Task& task = task_named("piqa");
  EXPECT_ERROR(find_task_file(task, folder_ / "none"), "is no folder");
  write("piqa.requests40.jsonl", "");
  EXPECT_ERROR(find_task_file(task, folder_.path()),
               "looked for piqa_valid.jsonl, piqa_validation.jsonl");
  write("plain_text/train-0.parquet", "");
  write("plain_text/validation-0.parquet", "");
  EXPECT_ERROR(find_task_file(task, folder_.path()),
               "read_parquet('" + (folder_ / "plain_text/validation-0.parquet").string() +
                   "').to_json('" + (folder_ / "piqa_valid.jsonl").string() + "'");
}

TEST_F(TaskFiles, with_bad_rows_give_one_line_with_file_line_reason_and_what_to_have) {
  const auto expect = [&](const std::string& name, const std::string& row,
                          const std::string& reason) {
    const Task& task = task_named(name);
    write("file.jsonl", one_line(task) + row + "\n");
    for (const std::string part : {"file.jsonl line 2", reason.c_str(), "a line of"})
      EXPECT_ERROR(read_items(task, folder_ / "file.jsonl"), part);
  };
  expect("piqa", R"({"goal": "cut", "sol1": "a", "label": 0})", "\"sol2\" is missing");
  expect("piqa", R"({"goal": "cut", "sol1": "a", "sol2": " ", "label": 0})", "\"sol2\" is empty");
  expect("piqa", R"({"goal": "cut", "sol1": "a", "sol2": "b", "label": -1})", "neither 0 nor 1");
  expect("piqa", R"({"goal": "cut", "sol1": "a", "sol2": "b", "label": "1"})", "an integer");
  expect("piqa", R"({"goal": "cut)", "not valid JSON");
  expect("piqa", "[1, 2]", "should be an object");
  const std::string names = R"("option1": "Ann", "option2": "Bea", )";
  expect("winogrande", R"({"sentence": "No.", )" + names + R"("answer": "1"})", "has no _");
  expect("winogrande", R"({"sentence": "So _", )" + names + R"("answer": "1"})", "nothing follows");
  expect("winogrande", R"({"sentence": "_ is", )" + names + R"("answer": ""})", "neither 1 nor 2");
  expect("arc-easy",
         R"({"question": "Q?", "choices": {"text": ["a", "b"], "label": ["A", "B"]},
         "answerKey": "C"})" +
             std::string(),
         "not valid JSON"); // a row is one line
  expect(
      "arc-easy",
      R"({"question": "Q?", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "C"})",
      "the label of no choice");
  expect(
      "arc-easy",
      R"({"question": "Q?", "choices": {"text": ["a", ""], "label": ["A", "B"]}, "answerKey": "A"})",
      "the choice \"B\" is empty");
  expect(
      "openbookqa",
      R"({"question_stem": "Q", "choices": {"text": ["a", "b"], "label": ["A"]}, "answerKey": "A"})",
      "2 choices and 1 labels");
  expect("openbookqa", R"({"question_stem": "Q", "choices": 3, "answerKey": "A"})",
         "neither a list");
  write("empty.jsonl", "\n");
  EXPECT_ERROR(read_items(task_named("piqa"), folder_ / "empty.jsonl"), "holds no items");
  EXPECT_ERROR(task_named("boolq"), "known: piqa, winogrande");
  write("piqa.jsonl", one_line(task_named("piqa")));
  EXPECT_ERROR(read_tasks({"piqa", "piqa"}, folder_.path()), "stands twice");
}

class TinyTasks : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    tokenizer_ = open_tokenizer(folder_ / "model");
    for (const Task& task : tasks())
      for (const char* name : {"one", "two", "three", "four"}) {
        Item item = plain_item(task);
        for (Request& request : item.requests)
          request.context = std::string(name) + request.context;
        items_.push_back(item);
      }
  }
  Model model() const { return open_plain_model(folder_ / "model"); }
  TokenItems encoded(const EncodeOptions& options = {}) const {
    return encode_items(*tokenizer_, items_, options);
  }
  testing::TemporaryFolder folder_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::vector<Item> items_;
};

void expect_near(const std::vector<ItemScores>& a, const std::vector<ItemScores>& b,
                 double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < a[i].size(); ++j) {
      EXPECT_NEAR(a[i][j].log_likelihood, b[i][j].log_likelihood, tolerance) << i << " " << j;
      EXPECT_EQ(a[i][j].greedy, b[i][j].greedy);
    }
}

TEST_F(TinyTasks, scores_equal_a_plain_forward_of_each_request) {
  const Model model = this->model();
  const TokenItems items = encoded();
  const auto scores = score(model, items.items, {.at_once = 200});
  for (std::size_t i = 0; i < scores.size(); ++i)
    for (std::size_t j = 0; j < scores[i].size(); ++j) {
      const TokenRequest& request = items.items[i][j];
      const Tensor ids = at::tensor(request.ids, at::kLong);
      const Tensor logits = at::linear(run_decoder(model, {ids})[0], load_head(model).weight);
      const Tensor log_p = at::log_softmax(logits.to(at::kDouble), -1)
                               .slice(0, request.context_tokens - 1, -1)
                               .gather(1, ids.slice(0, request.context_tokens).unsqueeze(1));
      EXPECT_NEAR(scores[i][j].log_likelihood, log_p.sum().item<double>(), 1e-3);
    }
}

TEST_F(TinyTasks, scores_do_not_depend_on_batches_sharing_or_threads) {
  const Model model = this->model();
  const auto items = encoded().items;
  const auto expected = score(model, items, {.at_once = 300});
  expect_near(score(model, items, {.at_once = 100000}), expected, 0);
  expect_near(score(model, items, {.at_once = 300, .shared = false}), expected, 0);
  expect_near(score(model, items, {.at_once = 1, .shared = false}), expected, 1e-4);
  const int before = at::get_num_threads();
  for (const std::int64_t at_once : {1, 300}) {
    at::set_num_threads(1);
    const auto one = score(model, items, {.at_once = at_once});
    at::set_num_threads(2);
    expect_near(score(model, items, {.at_once = at_once}), one, 0);
  }
  at::set_num_threads(before);
}

TEST_F(TinyTasks, long_contexts_lose_their_beginning_and_are_counted) {
  const TokenItems whole = encoded(), cut = encoded({.positions = 30});
  std::int64_t longer = 0;
  for (std::size_t i = 0; i < whole.items.size(); ++i)
    for (std::size_t j = 0; j < whole.items[i].size(); ++j) {
      const TokenRequest &a = whole.items[i][j], &b = cut.items[i][j];
      longer += a.ids.size() > 31;
      EXPECT_EQ(b.ids.size(), std::min<std::size_t>(a.ids.size(), 31));
      EXPECT_TRUE(std::equal(b.ids.rbegin(), b.ids.rend(), a.ids.rbegin()));
      EXPECT_EQ(a.ids.size() - a.context_tokens, b.ids.size() - b.context_tokens);
    }
  EXPECT_GT(longer, 0);
  EXPECT_EQ(cut.truncated, longer);
  EXPECT_ERROR(encoded({.positions = 3}), "longer than the 3 positions");
}

TEST_F(TinyTasks, white_space_at_the_end_of_a_context_belongs_to_the_continuation) {
  Item item{.requests = {{"a b \u3000", " c"}}, .characters = {1}, .where = "here"};
  EXPECT_ERROR(encode_items(*tokenizer_, {{.requests = {{"", " c"}}, .where = "here"}}, {}),
               "here: the context or a choice has no token");
  const TokenRequest request = encode_items(*tokenizer_, {item}, {}).items[0][0];
  EXPECT_EQ(request.context_tokens, 3);
}

TEST(Accuracy, equals_hand_calculations) {
  const Accuracy accuracy = accuracy_of({true, true, false, true});
  EXPECT_EQ(accuracy.value, 0.75);
  EXPECT_NEAR(*accuracy.standard_error, 0.25, 1e-12); // sample deviation 1/2 over the root of 4
  EXPECT_FALSE(accuracy_of({true}).standard_error.has_value());
  const Accuracy mean = mean_of({{0.5, 0.03}, {0.7, 0.04}});
  EXPECT_NEAR(mean.value, 0.6, 1e-12);
  EXPECT_NEAR(*mean.standard_error, 0.025, 1e-12);
  const Flips flips = flips_of({true, false, false, true}, {true, true, true, false});
  EXPECT_EQ(flips.lost, 2);
  EXPECT_EQ(flips.gained, 1);
}

TEST(Accuracy, mcnemar_is_the_exact_binomial_test) {
  EXPECT_EQ(mcnemar({0, 0}), 1);
  EXPECT_EQ(mcnemar({3, 3}), 1);
  EXPECT_NEAR(mcnemar({5, 0}), 2.0 / 32, 1e-12);
  EXPECT_NEAR(mcnemar({1, 7}), 2 * (1 + 8) / 256.0, 1e-12);
  EXPECT_NEAR(mcnemar({2000, 2200}), mcnemar({2200, 2000}), 1e-15);
  EXPECT_LT(mcnemar({2000, 2200}), 0.01);
}

TEST(Accuracy, of_equal_choices_takes_the_first_and_normalizes_by_characters) {
  const Item item{.requests = {{}, {}, {}}, .characters = {10, 2, 1}, .label = 0};
  const ItemScores scores = {{-4}, {-2}, {-2}};
  EXPECT_EQ(answer_of(item, scores, false), 1u);
  EXPECT_EQ(answer_of(item, scores, true), 0u);
}

} // namespace
} // namespace latticelens
