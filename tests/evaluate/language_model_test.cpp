#include "core/error.h"
#include "evaluate/language_model.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

TokenWindows sample_windows(std::int64_t count, std::int64_t length) {
  TokenWindows windows{.count = count, .length = length};
  for (std::int64_t i = 0; i < count * length; ++i)
    windows.ids.push_back(static_cast<TokenId>(i * i % 89));
  return windows;
}

class Evaluate : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "a");
    testing::write_tiny_model(folder_ / "b", {.tied = false});
    testing::write_tiny_model(folder_ / "c", {.vocabulary = 100});
  }
  Model open(const std::string& name) const { return open_plain_model(folder_ / name); }
  testing::TemporaryFolder folder_;
};

TEST_F(Evaluate, loss_and_divergence_equal_their_definitions_over_several_chunks) {
  const Model model = open("a"), original = open("b");
  const TokenWindows windows = sample_windows(2, 600); // more positions than are held at once
  const Evaluation result = evaluate(model, &original, windows);
  double loss = 0, kl = 0, agreement = 0;
  for (int w = 0; w < 2; ++w) {
    const Tensor ids =
        at::tensor(at::ArrayRef<TokenId>(windows.ids.data() + w * 600, 600), at::kInt)
            .to(at::kLong);
    const auto log_p = [&](const Model& m) {
      return at::log_softmax(
                 logits_of(run_decoder(m, {ids})[0], Head(load_head(m))).to(at::kDouble), -1)
          .slice(0, 0, -1);
    };
    const Tensor p = log_p(model), q = log_p(original);
    loss -= p.gather(1, ids.slice(0, 1).unsqueeze(1)).mean().item<double>() / 2;
    kl += (q.exp() * (q - p)).sum(-1).mean().item<double>() / 2;
    agreement += (p.argmax(-1) == q.argmax(-1)).to(at::kDouble).mean().item<double>() / 2;
  }
  EXPECT_NEAR(result.mean_loss, loss, 1e-5);
  EXPECT_NEAR(result.perplexity / std::exp(loss), 1, 1e-4);
  EXPECT_NEAR(result.divergence->kl, kl, 1e-5);
  EXPECT_NEAR(result.divergence->top1_agreement, agreement, 1e-9);
  EXPECT_EQ(result.window_loss.size(), 2u);
}

TEST_F(Evaluate, a_model_is_no_distance_from_itself) {
  const Model model = open("a");
  const Evaluation result = evaluate(model, &model, sample_windows(1, 50));
  EXPECT_NEAR(result.divergence->kl, 0, 1e-7);
  EXPECT_EQ(result.divergence->top1_agreement, 1);
  EXPECT_EQ(result.divergence->original_mean_loss, result.mean_loss);
}

TEST_F(Evaluate, what_cannot_be_compared_is_an_error) {
  const Model model = open("a"), other = open("c");
  EXPECT_ERROR(evaluate(model, &other, sample_windows(1, 50)), "vocabularies of different sizes");
  EXPECT_ERROR(evaluate(model, nullptr, sample_windows(5, 1)), "predicts nothing");
}

} // namespace
} // namespace latticelens
