#include "learn/measure_importance.h"

#include "core/error.h"
#include "core/files.h"
#include "tests/learn/learning_request.h"
#include "tests/tiny_family.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

/// The loss of a model whose stage "mlp.down_proj" of block 1 gives `more` on top.
double loss_with(const Model& model, const Tensor& ids, const Tensor& more) {
  Model changed = model;
  changed.prepare = [&more](Block& block) {
    if (block.layer == 1) {
      Linear& linear = block.linears.at("mlp.down_proj");
      linear.product = [plain = linear, &more](const Tensor& x) { return plain(x) + more; };
    }
  };
  const Tensor hidden = run_decoder(changed, {ids})[0];
  const Tensor log_p = at::log_softmax(load_head(model)(hidden).to(at::kDouble), -1);
  return -log_p.view({ids.numel(), -1})
              .slice(0, 0, -1)
              .gather(1, ids.slice(0, 1).view({-1, 1}))
              .mean()
              .item<double>();
}

TEST(MeasureImportance, is_the_square_of_the_losss_slope) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder / "model");
  const Model model = open_plain_model(folder / "model");
  QuantizeRequest request = testing::learning_request(model, "rounding=gptq importance=gradient");
  request.calibration = testing::repeating_windows(model.config.vocabulary, 1, 24);
  const Importance importance = measure_importance(request, folder.path());
  const Tensor ids = at::tensor(
      std::vector<std::int64_t>(request.calibration.ids.begin(), request.calibration.ids.end()));
  Tensor squares = at::zeros({24, model.config.hidden}, at::kDouble);
  constexpr double step = 1e-2;
  for (std::int64_t t = 0; t < 24; ++t)
    for (std::int64_t i = 0; i < model.config.hidden; ++i) {
      Tensor more = at::zeros({1, 24, model.config.hidden});
      more[0][t][i] = step;
      const double slope =
          (loss_with(model, ids, more) - loss_with(model, ids, -more)) / (2 * step);
      squares[t][i] = slope * slope;
    }
  const auto expected = [](const Tensor& sums) { return (0.5 * sums / sums.mean() + 0.5).sqrt(); };
  const std::string place = "model.layers.1.mlp_output";
  EXPECT_TRUE(at::allclose(importance.token_factors(place, 0).view(-1).to(at::kDouble),
                           expected(squares.sum(1)), 0.01, 0.01));
  EXPECT_TRUE(at::allclose(importance.output_factors(place).view(-1).to(at::kDouble),
                           expected(squares.sum(0)), 0.01, 0.01));
  const Tensor by_token = squares.sum(1).slice(0, 0, -1); // the last one predicts nothing
  const double typical = by_token.median().item<double>() / model.config.hidden;
  EXPECT_NEAR(importance.scale(place) / typical, 1, 0.02);
}

TEST(MeasureImportance, is_kept_read_back_and_the_same_at_one_and_two_threads) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder / "model");
  const Model model = open_plain_model(folder / "model");
  const QuantizeRequest request =
      testing::learning_request(model, "rounding=gptq importance=gradient");
  const int before = at::get_num_threads();
  std::vector<std::string> bytes;
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    const auto own = folder / std::to_string(threads);
    make_directory(own);
    measure_importance(request, own);
    bytes.push_back(read_text(own / "importance.safetensors"));
    const Importance again = measure_importance(request, own);
    EXPECT_EQ(again.token_factors("model.layers.0.mlp_output", 3).sizes(),
              at::IntArrayRef({1, 64, 1}));
    EXPECT_ERROR(again.token_factors("model.layers.0.mlp_output", 4), "fewer windows");
    EXPECT_ERROR(again.token_factors("model.layers.9.mlp_output", 0), "not measured");
  }
  at::set_num_threads(before);
  EXPECT_EQ(bytes[0], bytes[1]);
}

TEST(MeasureImportance, of_experts_is_that_of_outputs_with_all_tokens_alike) {
  const testing::TemporaryFolder folder;
  for (const Family& family : families())
    if (std::string(family.name) == "mixtral") {
      testing::write_tiny_family(folder.path(), family, [](const Tensor& w) { return w; });
      const Model model = open_plain_model(folder.path());
      const QuantizeRequest request = testing::learning_request(model, "rounding=gptq");
      measure_importance(request, folder.path());
      const Importance importance(folder.path() / "importance.safetensors"); // as a run goes on
      for (const Stage& stage : model.layout->stages) {
        const std::string place = block_prefix(model, 0) + stage.name;
        const Tensor tokens = importance.token_factors(place, 0);
        EXPECT_EQ(tokens.numel() == 1, static_cast<bool>(stage.everywhere)) << place;
        EXPECT_TRUE(!stage.everywhere || tokens.item<float>() == 1) << place;
        EXPECT_GT(importance.scale(place), 0) << place;
        EXPECT_GT(importance.output_factors(place).std().item<float>(), 0) << place;
      }
    }
}

} // namespace
} // namespace latticelens
