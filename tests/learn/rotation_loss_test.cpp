// Gradients by rotations against differences of losses: without quantizers everything is smooth,
// and a factor need not be orthogonal.
#include "learn/rotation_loss.h"

#include "model/attention.h"
#include "quantize/activations.h"
#include "tests/support.h"
#include "tests/tiny_family.h"
#include "tests/tiny_model.h"
#include "transforms/block_matrix.h"
#include "transforms/orthogonal.h"
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {
namespace {

/// Any matrices, folded as rotations are.
class AnyMatrices : public Transform {
 public:
  explicit AnyMatrices(Tensor matrices) : matrices_(std::move(matrices)) {}
  Tensor apply(const Tensor& x) const override {
    return reference::multiply_blocks(x, matrices_).to(x.scalar_type());
  }
  Tensor invert(const Tensor&) const override { throw std::logic_error("not needed"); }

 private:
  Tensor matrices_;
};

const char* const rotate =
    "weight=mxfp4 activation=none kv=mxfp4 rotate=hadamard:16@residual,hadamard:32@value_output,"
    "hadamard:8@query_key,hadamard:32@down_input";

/// All rotations and no quantizer.
Method smooth_method() {
  Method method = parse_method(rotate);
  method.kv.reset();
  return method;
}

LearnedRotations drawn(const Model& model, const Method& method) {
  const Rotations rotations = make_rotations(method.transforms, model.config, /*seed=*/3);
  LearnedRotations matrices{matrices_of(*rotations.residual, 16, model.config.hidden), {}};
  for (const LayerRotations& layer : rotations.layers)
    matrices.value_output.push_back(
        matrices_of(*layer.value_output.front(), 32, model.config.head_dimension));
  return matrices;
}

Tensor some_ids(const Model& model, std::int64_t n, std::int64_t t) {
  return (at::arange(n * t, at::kLong).square() * 7 % model.config.vocabulary).view({n, t});
}

/// By the folded model's own embedding and head.
double folded_loss(const Model& model, const Method& method, const LearnedRotations& matrices,
                   const Tensor& ids) {
  Rotations rotations = make_rotations(method.transforms, model.config, /*seed=*/3);
  rotations.residual = std::make_shared<AnyMatrices>(matrices.residual);
  for (std::size_t layer = 0; layer < rotations.layers.size(); ++layer)
    rotations.layers[layer].value_output = {
        std::make_shared<AnyMatrices>(matrices.value_output[layer])};
  const OuterWeights outer = fold_outer(model, rotations);
  Tensor x = embed(outer.embedding, ids, model.config).view({ids.size(0), ids.size(1), -1});
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    Block block = load_block(model, layer);
    fold_block(block, rotations, model);
    install_activations(block, *model.layout, {.down_input = rotations.down_input});
    x = run_block(model, block, make_rope(model.config, ids.size(1)), x);
  }
  const Tensor scores = outer.head(outer.norm(x, model.config.norm_epsilon)).to(at::kDouble);
  const Tensor log_p = at::log_softmax(scores.slice(1, 0, -1), -1);
  return -log_p.gather(2, ids.slice(1, 1).unsqueeze(2)).mean().item<double>();
}

Tensor moved(const Tensor& matrices, const Tensor& direction, double step) {
  return at::bmm(matrices, at::eye(matrices.size(1), at::kDouble) + step * direction);
}

/// Slopes along random directions of R1, of R2 and of both: by gradient, by differences.
void compare_slopes(const Model& model, int first_trial = 0) {
  const Method method = smooth_method();
  const LearnedRotations at_point = drawn(model, method);
  const Tensor ids = some_ids(model, 2, 40);
  const RotationLoss problem(model, method, /*seed=*/3);
  const RotationGradient here = problem.at(at_point, ids);
  EXPECT_NEAR(here.loss, folded_loss(model, method, at_point, ids), 2e-5);
  at::manual_seed(9);
  for (int trial = first_trial; trial < 3; ++trial) {
    LearnedRotations forwards, backwards;
    double slope = 0;
    constexpr double step = 1e-2;
    const auto move = [&](const Tensor& matrices, const Tensor& gradient, bool wanted) {
      const Tensor direction = at::randn(matrices.sizes(), at::kDouble) * (wanted ? 0.05 : 0);
      slope += (gradient * direction).sum().item<double>();
      return std::pair(moved(matrices, direction, step), moved(matrices, direction, -step));
    };
    std::tie(forwards.residual, backwards.residual) =
        move(at_point.residual, here.gradient.residual, trial != 1);
    for (std::size_t layer = 0; layer < at_point.value_output.size(); ++layer) {
      const auto [ahead, behind] =
          move(at_point.value_output[layer], here.gradient.value_output[layer], trial != 0);
      forwards.value_output.push_back(ahead);
      backwards.value_output.push_back(behind);
    }
    const double difference =
        (folded_loss(model, method, forwards, ids) - folded_loss(model, method, backwards, ids)) /
        (2 * step);
    EXPECT_NEAR(slope, difference, 2e-3 + 0.01 * std::abs(difference)) << trial;
    EXPECT_GT(std::abs(slope), 1e-3) << trial;
  }
}

TEST(RotationLoss, slopes_are_those_of_the_folded_model) {
  for (const bool biases : {false, true}) {
    const testing::TemporaryFolder folder;
    testing::write_tiny_model(folder.path(), {.tied = biases, .biases = biases});
    compare_slopes(open_plain_model(folder.path()));
  }
}

TEST(RotationLoss, slopes_are_those_of_every_folded_family) {
  for (const Family& family : families()) {
    SCOPED_TRACE(family.name);
    const testing::TemporaryFolder folder;
    testing::write_tiny_family(folder.path(), family, [](const Tensor& w) { return w; });
    compare_slopes(open_plain_model(folder.path()), /*first_trial=*/2);
  }
}

TEST(HeadLoss, gradients_are_libtorchs) {
  at::manual_seed(6);
  const Linear head{at::randn({130, 20}), at::randn({130})};
  const Tensor ids = at::randint(130, {2, 170}, at::kLong), original = at::randn({2, 170, 20});
  const Tensor hidden = at::randn({2, 170, 20}), x = hidden.to(at::kDouble).requires_grad_();
  const auto log_p = [&](const Tensor& states) {
    return at::log_softmax(at::linear(states.slice(1, 0, -1).to(at::kDouble),
                                      head.weight.to(at::kDouble), head.bias.to(at::kDouble)),
                           -1);
  };
  const Tensor p = log_p(x), q = log_p(original);
  const HeadLoss loss(head);
  const auto compare = [&](const LossGradient& actual, const Tensor& expected) {
    EXPECT_NEAR(actual.loss, expected.item<double>(), 1e-5);
    const Tensor gradient = torch::autograd::grad({expected}, {x}, {}, /*retain_graph=*/true)[0];
    EXPECT_TRUE(at::allclose(actual.gradient.to(at::kDouble), gradient, 1e-4, 1e-7));
  };
  compare(loss.of(hidden, ids), -p.gather(2, ids.slice(1, 1).unsqueeze(2)).mean());
  compare(loss.against(hidden, original), (q.exp() * (q - p)).sum(-1).mean());
}

TEST(RotationLoss, without_quantizers_nothing_turns) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder.path());
  const Model model = open_plain_model(folder.path());
  const Method method = smooth_method();
  const RotationGradient here =
      RotationLoss(model, method, 3).at(drawn(model, method), some_ids(model, 1, 64));
  for (const Tensor& gradient : {here.gradient.residual, here.gradient.value_output[0]}) {
    const Tensor turn = gradient - gradient.transpose(1, 2);
    EXPECT_LT(turn.abs().max().item<double>(), 1e-4 * gradient.abs().max().item<double>());
  }
}

TEST(RotationLoss, has_the_same_bytes_at_one_and_two_threads) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder.path(), {.hidden = 192, .intermediate = 288});
  const Model model = open_plain_model(folder.path());
  const Method method = parse_method(std::string(rotate).replace(13, 15, "activation=mxfp4"));
  const RotationLoss problem(model, method, 3);
  const LearnedRotations point = drawn(model, method);
  const int before = at::get_num_threads();
  std::vector<RotationGradient> results;
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    results.push_back(problem.at(point, some_ids(model, 2, 100)));
  }
  at::set_num_threads(before);
  EXPECT_EQ(results[0].loss, results[1].loss);
  EXPECT_TRUE(at::equal(results[0].gradient.residual, results[1].gradient.residual));
  EXPECT_TRUE(at::equal(results[0].gradient.value_output[1], results[1].gradient.value_output[1]));
}

} // namespace
} // namespace latticelens
