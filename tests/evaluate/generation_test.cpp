#include "core/error.h"
#include "evaluate/generation.h"
#include "tests/support.h"
#include "tests/tiny_model.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

std::vector<int> drawn(const Tensor& logits, const Sampling& sampling, int times) {
  Random random(7);
  std::vector<int> counts(logits.numel());
  for (int i = 0; i < times; ++i)
    ++counts[choose_token(logits, sampling, random)];
  return counts;
}

TEST(ChooseToken, without_temperature_the_likeliest_and_of_equal_ones_the_first) {
  EXPECT_EQ(drawn(at::tensor({0.0f, 3.0f, -1.0f, 3.0f}), {}, 5), (std::vector<int>{0, 5, 0, 0}));
}

TEST(ChooseToken, draws_each_token_as_often_as_it_is_probable) {
  constexpr int times = 40000;
  const Tensor logits = at::tensor({0.5f, 2.0f, -1.0f, 1.0f, -INFINITY});
  for (const double temperature : {0.5, 1.0, 3.0}) {
    const std::vector<int> counts = drawn(logits, {.temperature = temperature}, times);
    const Tensor p = at::softmax(logits.to(at::kDouble) / temperature, 0);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const double wanted = p[static_cast<std::int64_t>(i)].item<double>();
      EXPECT_NEAR(counts[i], times * wanted, 5 * std::sqrt(times * wanted) + 1e-9)
          << temperature << " " << i;
    }
  }
}

TEST(ChooseToken, top_k_and_top_p_leave_the_rest_out) {
  const Tensor logits = at::tensor({0.5f, 2.0f, -1.0f, 1.0f}); // p: .15, .66, .03, .24 / 1.08
  const auto kept = [&](const Sampling& sampling) {
    std::vector<int> tokens, counts = drawn(logits, sampling, 2000);
    for (int i = 0; i < 4; ++i)
      if (counts[i] > 0)
        tokens.push_back(i);
    return tokens;
  };
  EXPECT_EQ(kept({.temperature = 1, .top_k = 1}), (std::vector<int>{1}));
  EXPECT_EQ(kept({.temperature = 1, .top_k = 2}), (std::vector<int>{1, 3}));
  EXPECT_EQ(kept({.temperature = 1, .top_k = 9}), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(kept({.temperature = 1, .top_p = 0.5}), (std::vector<int>{1}));
  EXPECT_EQ(kept({.temperature = 1, .top_p = 0.7}), (std::vector<int>{1, 3}));
}

TEST(ChooseToken, logits_that_are_not_finite_and_settings_that_mean_nothing_are_errors) {
  Random random(1);
  EXPECT_ERROR(choose_token(at::tensor({0.0f, NAN}), {}, random), "not finite");
  EXPECT_ERROR(choose_token(at::full({3}, -INFINITY), {.temperature = 1}, random), "not finite");
  EXPECT_ERROR(check_sampling({.temperature = -1}), "--temperature");
  EXPECT_ERROR(check_sampling({.top_k = -1}), "--top-k");
  EXPECT_ERROR(check_sampling({.top_p = 0}), "--top-p");
}

class Generate : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    model_ = open_plain_model(folder_ / "model");
  }
  Generation make(const GenerationRequest& request) const {
    Decoding decoding(model_, 64);
    return generate(decoding, request);
  }
  testing::TemporaryFolder folder_;
  Model model_;
};

TEST_F(Generate, greedy_tokens_are_those_of_the_whole_text_read_again_for_each) {
  const std::vector<TokenId> prompt = {5, 17, 3};
  const Generation made = make({.prompt = prompt, .tokens = 12});
  std::vector<std::int64_t> ids(prompt.begin(), prompt.end());
  const Linear head = load_head(model_);
  for (const TokenId id : made.ids) {
    const Tensor hidden = run_decoder(model_, {at::tensor(ids, at::kLong)})[0];
    EXPECT_EQ(head(hidden)[hidden.size(0) - 1].argmax().item<std::int64_t>(), id);
    ids.push_back(id);
  }
  EXPECT_EQ(made.ids.size(), 12u);
  EXPECT_FALSE(made.ended);
}

TEST_F(Generate, ends_before_the_token_that_ends_a_text) {
  const GenerationRequest request{.prompt = {5, 17, 3}, .tokens = 12};
  const Generation whole = make(request);
  GenerationRequest ending = request;
  ending.ends = {whole.ids[4]};
  const Generation ended = make(ending);
  const auto first = std::find(whole.ids.begin(), whole.ids.end(), whole.ids[4]);
  EXPECT_EQ(ended.ids, std::vector<TokenId>(whole.ids.begin(), first));
  EXPECT_TRUE(ended.ended);
}

TEST_F(Generate, a_seed_draws_the_same_text_again_and_another_seed_another) {
  const auto with = [&](std::uint64_t seed) {
    return make({.prompt = {1}, .tokens = 20, .sampling = {.temperature = 1.5}, .seed = seed}).ids;
  };
  EXPECT_EQ(with(3), with(3));
  EXPECT_NE(with(3), with(4));
}

TEST_F(Generate, an_empty_prompt_and_a_text_that_does_not_fit_are_errors) {
  EXPECT_ERROR(make({}), "no token");
  EXPECT_ERROR(make({.prompt = {1, 2}, .tokens = 80}), "tokens");
}

TEST_F(Generate, end_tokens_are_those_of_the_generation_config_or_of_the_config) {
  EXPECT_TRUE(end_tokens(model_).empty());
  Json config = read_json(folder_ / "model/config.json");
  config["eos_token_id"] = 7;
  write_text(folder_ / "model/config.json", config.dump());
  EXPECT_EQ(end_tokens(open_plain_model(folder_ / "model")), (std::set<TokenId>{7}));
  const auto file = folder_ / "model/generation_config.json";
  write_text(file, R"({"eos_token_id": [2, 9]})");
  EXPECT_EQ(end_tokens(model_), (std::set<TokenId>{2, 9}));
  write_text(file, R"({"eos_token_id": "end"})");
  EXPECT_ERROR(end_tokens(model_), "eos_token_id must be a number");
}

} // namespace
} // namespace latticelens
