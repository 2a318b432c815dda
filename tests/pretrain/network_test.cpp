#include "pretrain/adam_w.h"
#include "pretrain/network_loss.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

Recipe tiny() {
  return {.vocabulary = 40,
          .hidden = 16,
          .layers = 2,
          .heads = 4,
          .key_value_heads = 2,
          .intermediate = 24,
          .window = 12,
          .batch_tokens = 36,
          .seed = 3};
}

Tensor some_ids() {
  return (at::arange(36, at::kLong) * 17 % 40).view({3, 12});
}

/// Larger weights than training starts with: every part of the model counts.
Network network_of(const Recipe& recipe) {
  Network network = initial_network(recipe);
  at::manual_seed(5);
  for (const Parameter& parameter : parameters_of(network))
    *parameter.value =
        parameter.is_matrix ? *parameter.value * 15 : 1 + 0.2 * at::randn(parameter.value->sizes());
  return network;
}

TEST(Network, starts_with_the_deviations_that_are_said) {
  Network network = initial_network({.layers = 2});
  std::int64_t matrices = 0;
  for (const Parameter& parameter : parameters_of(network)) {
    const double spread = parameter.value->std().item<double>();
    const bool writes = parameter.name.find("o_proj") != std::string::npos ||
                        parameter.name.find("down_proj") != std::string::npos;
    if (parameter.is_matrix)
      EXPECT_NEAR(spread, writes ? 0.01 : 0.02, 3e-4) << parameter.name;
    else
      EXPECT_TRUE(parameter.value->eq(1).all().item<bool>()) << parameter.name;
    matrices += parameter.is_matrix;
  }
  EXPECT_EQ(matrices, 1 + 2 * 7);
}

TEST(Network, a_fresh_one_knows_nothing) {
  Network network = initial_network(tiny());
  EXPECT_NEAR(loss_at(network, some_ids()), std::log(40), 0.05);
}

/// (f(x + h) - f(x - h)) / 2h in the direction of the gradient, against its length: each parameter
/// on its own.
TEST(NetworkLoss, the_gradient_is_that_of_finite_differences) {
  Network network = network_of(tiny());
  const Tensor ids = some_ids();
  const NetworkGradient gradient = gradient_at(network, ids);
  EXPECT_NEAR(gradient.loss, loss_at(network, ids), 1e-5);
  const std::vector<Parameter> parameters = parameters_of(network);
  ASSERT_EQ(gradient.of.size(), parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const double length = norm_of({gradient.of[i]}),
                 step = 0.01 * norm_of({*parameters[i].value}) / length;
    ASSERT_GT(length, 1e-5) << parameters[i].name;
    const Tensor before = parameters[i].value->clone();
    *parameters[i].value = before + step * gradient.of[i];
    const double above = loss_at(network, ids);
    *parameters[i].value = before - step * gradient.of[i];
    const double below = loss_at(network, ids);
    *parameters[i].value = before;
    EXPECT_NEAR((above - below) / (2 * step), length * length, 0.02 * length * length)
        << parameters[i].name;
  }
}

TEST(NetworkLoss, is_the_mean_over_parts_that_are_run_one_after_the_other) {
  Recipe recipe = tiny();
  recipe.window = 1024; // two windows are run at once
  Network network = network_of(recipe);
  const Tensor ids = at::arange(3 * 1024, at::kLong).mul_(31).remainder_(40).view({3, 1024});
  NetworkGradient all = gradient_at(network, ids);
  double loss = 0;
  std::vector<Tensor> sum;
  for (std::int64_t row = 0; row < 3; ++row) {
    const NetworkGradient one = gradient_at(network, ids.narrow(0, row, 1));
    loss += one.loss / 3;
    for (std::size_t i = 0; i < one.of.size(); ++i)
      row == 0 ? sum.push_back(one.of[i] / 3) : void(sum[i].add_(one.of[i] / 3));
  }
  EXPECT_NEAR(all.loss, loss, 1e-6);
  for (std::size_t i = 0; i < sum.size(); ++i)
    EXPECT_LT(norm_of({all.of[i] - sum[i]}), 1e-5 * norm_of({sum[i]}));
}

TEST(AdamW, gradients_are_cut_to_norm_one_and_small_ones_left_alone) {
  std::vector<Tensor> gradients = {at::full({3, 4}, 2.0f), at::full({4}, 1.0f)};
  EXPECT_NEAR(clip(gradients), std::sqrt(52), 1e-6);
  EXPECT_NEAR(norm_of(gradients), 1, 1e-6);
  EXPECT_NEAR(gradients[0][0][0].item<float>() / gradients[1][0].item<float>(), 2, 1e-6);
  std::vector<Tensor> small = {at::full({3}, 0.25f)};
  clip(small);
  EXPECT_TRUE(small[0].eq(0.25).all().item<bool>());
}

/// Algorithm 2 of the paper on one number, in fp64.
struct PlainAdamW {
  double value, first = 0, second = 0;
  void step(double rate, double decay, double gradient, int t) {
    first = 0.9 * first + 0.1 * gradient;
    second = 0.95 * second + 0.05 * gradient * gradient;
    value -= rate * decay * value;
    value -= rate * (first / (1 - std::pow(0.9, t))) /
             (std::sqrt(second / (1 - std::pow(0.95, t))) + 1e-8);
  }
};

TEST(AdamW, steps_as_the_paper_says_and_gains_do_not_decay) {
  Tensor matrix = at::full({2, 3}, 0.5f), gain = at::full({3}, 1.0f);
  const std::vector<Parameter> parameters = {{"matrix", &matrix}, {"gain", &gain, false}};
  std::vector<AdamMoments> moments = {no_moments_yet(matrix), no_moments_yet(gain)};
  PlainAdamW plain_matrix{0.5}, plain_gain{1};
  for (int t = 1; t <= 5; ++t) {
    const double g = 0.3 * t - 0.7;
    adam_w_step(0.01, t, {at::full({2, 3}, g, at::kFloat), at::full({3}, -g, at::kFloat)},
                parameters, moments);
    plain_matrix.step(0.01, 0.1, g, t);
    plain_gain.step(0.01, 0, -g, t);
  }
  EXPECT_NEAR(matrix[1][2].item<double>(), plain_matrix.value, 1e-6);
  EXPECT_NEAR(gain[0].item<double>(), plain_gain.value, 1e-6);
}

} // namespace
} // namespace latticelens
