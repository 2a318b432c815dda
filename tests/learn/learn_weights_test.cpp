#include "learn/learn_weights.h"

#include "core/error.h"
#include "core/files.h"
#include "core/run_directory.h"
#include "learn/weight_loss.h"
#include "quantize/choose_rotations.h"
#include "tests/learn/learning_request.h"
#include "tests/tiny_family.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

QuantizeRequest request_of(const Model& model, const std::string& learn) {
  return testing::learning_request(model, "learn=" + learn);
}

std::vector<Block> folded_blocks(const QuantizeRequest& request, const Rotations& rotations) {
  std::vector<Block> blocks;
  for (std::int64_t layer = 0; layer < request.model.config.layers; ++layer)
    blocks.push_back(folded_to_learn(request, rotations, layer));
  return blocks;
}

/// Slopes along a random direction of every weight at once, of each block, against differences.
/// Without quantizers, and away from the original model, where the divergence is flat.
void compare_slopes(const Model& model) {
  QuantizeRequest request = request_of(model, "weights:weights=0");
  request.method.activation.reset();
  const Rotations rotations = rotations_of(request);
  const WeightLoss loss(model, rotations, {});
  std::vector<Block> blocks = folded_blocks(request, rotations);
  const Tensor ids =
      (at::arange(80, at::kLong).square() * 7 % model.config.vocabulary).view({2, 40});
  at::manual_seed(4);
  std::map<std::pair<std::int64_t, std::string>, Tensor> directions;
  for (Block& block : blocks)
    for (auto& [name, linear] : block.linears)
      if (in_a_stage(*model.layout, name)) {
        const double size = linear.weight.square().mean().sqrt().item<double>();
        linear.weight += 0.3 * size * at::randn_like(linear.weight);
        directions[{block.layer, name}] = size * at::randn_like(linear.weight);
      }
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    double slope = 0;
    const double here = loss.gradient_at(
        blocks, ids, [&](std::int64_t at_layer, const std::string& name, const Tensor& gradient) {
          if (at_layer == layer)
            slope += (gradient * directions.at({layer, name})).sum(at::kDouble).item<double>();
        });
    EXPECT_NEAR(here, loss.at(blocks, ids), 1e-6);
    constexpr double step = 1e-3; // short: no token is to be routed anew
    const auto moved = [&](double distance) {
      std::vector<Block> copies = blocks;
      for (auto& [name, linear] : copies[layer].linears)
        if (in_a_stage(*model.layout, name))
          linear.weight = linear.weight + distance * directions.at({layer, name});
      return loss.at(copies, ids);
    };
    const double difference = (moved(step) - moved(-step)) / (2 * step);
    EXPECT_NEAR(slope, difference, 2e-3 + 0.02 * std::abs(difference)) << layer;
    EXPECT_GT(std::abs(slope), 1e-3) << layer;
  }
}

TEST(WeightLoss, slopes_are_those_of_every_folded_family) {
  for (const Family& family : families()) {
    SCOPED_TRACE(family.name);
    const testing::TemporaryFolder folder;
    testing::write_tiny_family(folder.path(), family, [](const Tensor& w) { return w; });
    compare_slopes(open_plain_model(folder.path()));
  }
}

TEST(WeightLoss, of_the_folded_model_without_quantizers_is_nothing) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder.path());
  const Model model = open_plain_model(folder.path());
  QuantizeRequest request = request_of(model, "weights:weights=0");
  request.method.activation.reset();
  const Rotations rotations = rotations_of(request);
  const WeightLoss loss(model, rotations, {});
  EXPECT_NEAR(loss.at(folded_blocks(request, rotations), at::arange(64, at::kLong).view({1, 64})),
              0, 1e-6);
}

class LearnWeights : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    model_ = open_plain_model(folder_ / "model");
  }
  /// What learning in a folder of its own leaves.
  std::string learned(const QuantizeRequest& request, const std::string& name) const {
    make_directory(folder_ / name);
    learn_weights(request, folder_ / name);
    EXPECT_FALSE(fs::exists(folder_ / name / "learning"));
    std::string bytes = read_text(folder_ / name / "learning.jsonl");
    for (std::int64_t layer = 0; layer < model_.config.layers; ++layer)
      bytes += read_text(folder_ / name / "learned" /
                         ("layer-" + std::to_string(layer) + ".safetensors"));
    return bytes;
  }

  testing::TemporaryFolder folder_;
  Model model_;
};

TEST_F(LearnWeights, a_run_that_was_cut_off_ends_in_the_same_bytes) {
  const QuantizeRequest request = request_of(model_, "weights:steps=4,tokens=64");
  const std::string whole = learned(request, "whole");
  EXPECT_EQ(learned(request, "whole"), whole); // finished: nothing is done
  // The state is written after some steps, the end comes later.
  for (const auto& [written, cut] : std::vector<std::pair<int, int>>{{0, 1}, {1, 1}, {2, 3}}) {
    const fs::path folder = folder_ / ("cut" + std::to_string(written) + std::to_string(cut));
    make_directory(folder);
    const auto each_step = [&, stored = written, last = cut](std::int64_t done) {
      if (done == last && done != stored)
        throw std::runtime_error("cut off");
      return done == stored;
    };
    try {
      learn_weights(request, folder, each_step);
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(learned(request, folder.filename()), whole) << written << ", " << cut;
  }
}

TEST_F(LearnWeights, has_the_same_bytes_at_one_and_two_threads) {
  for (const char* options :
       {"weights:steps=2,tokens=128", "weights:steps=2,tokens=64,weights=0"}) {
    const QuantizeRequest request = request_of(model_, options);
    const int before = at::get_num_threads();
    at::set_num_threads(1);
    const std::string one = learned(request, std::string("one") + options);
    at::set_num_threads(2);
    EXPECT_EQ(learned(request, std::string("two") + options), one);
    at::set_num_threads(before);
  }
}

TEST_F(LearnWeights, lower_the_divergence_and_take_the_place_of_folded_weights) {
  const QuantizeRequest request = request_of(model_, "weights:steps=30,tokens=64,rate=0.01");
  learned(request, "run");
  const std::vector<Json> rows = read_lines(folder_ / "run" / "learning.jsonl");
  EXPECT_LT(rows.back()["held_out_loss"].get<double>(),
            0.9 * rows.front()["held_out_loss"].get<double>());
  const Rotations rotations = rotations_of(request);
  Block block = folded_to_learn(request, rotations, 1);
  const Tensor before = block.linears.at("mlp.down_proj").weight.clone();
  read_learned_weights(request, folder_ / "run").install(block, *model_.layout);
  const Tensor after = block.linears.at("mlp.down_proj").weight;
  EXPECT_FALSE(at::equal(after, before));
  EXPECT_LT((after - before).norm().item<double>(), 0.5 * before.norm().item<double>());
}

TEST_F(LearnWeights, files_that_lack_or_do_not_fit_are_refused) {
  const QuantizeRequest request = request_of(model_, "weights:steps=1,tokens=64");
  EXPECT_ERROR(read_learned_weights(request, folder_ / "nowhere"), "absent");
  learned(request, "run");
  const fs::path file = folder_ / "run/learned/layer-1.safetensors";
  Block block = load_block(model_, 1);
  write_safetensors(file, {{"mlp.down_proj", at::zeros({2, 2})}});
  const LearnedWeights weights(folder_ / "run/learned");
  EXPECT_ERROR(weights.install(block, *model_.layout), "learn anew");
  fs::remove(file);
  EXPECT_ERROR(weights.install(block, *model_.layout), "absent");
}

TEST_F(LearnWeights, a_loss_that_is_not_finite_is_an_error_that_says_what_to_do) {
  auto weights = testing::tiny_weights({});
  for (auto& [name, tensor] : weights)
    if (name == "model.norm.weight")
      tensor.fill_(3e38);
  write_safetensors(folder_ / "model/model.safetensors", weights);
  make_directory(folder_ / "run");
  const Model model = open_plain_model(folder_ / "model");
  EXPECT_ERROR(learn_weights(request_of(model, "weights:steps=3,tokens=64"), folder_ / "run"),
               "the loss is not finite");
}

} // namespace
} // namespace latticelens
