// Models placed on a device give what they give on the processor: on a GPU where there is one, and
// everywhere on a device that only refuses operands of another.
#include "evaluate/generation.h"
#include "evaluate/language_model.h"
#include "evaluate/log_likelihood.h"
#include "quantize/packed_model.h"
#include "tensor/cuda_loader.h"
#include "tests/commands/errors.h"
#include "tests/commands/shadow_device.h"
#include "tests/family_oracles.h"
#include "tests/tiny_model.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

using testing::expect_command_error;
using testing::run_program;

const std::string& no_cuda = load_cuda(); // before any other call of ATen

std::vector<Device> devices() {
  std::vector<Device> all = {testing::shadow_device()};
  if (no_cuda.empty())
    all.push_back(parse_device("cuda"));
  return all;
}

double difference(const Tensor& a, const Tensor& b) {
  return (a.cpu() - b.cpu()).abs().max().item<double>();
}

TokenWindows some_windows(std::int64_t vocabulary) {
  TokenWindows windows{.ids = {}, .count = 3, .length = 64};
  for (std::int64_t i = 0; i < windows.length * windows.count; ++i)
    windows.ids.push_back(static_cast<std::int32_t>(i * i * 37 % vocabulary));
  return windows;
}

std::vector<TokenItem> some_items() {
  const TokenRequest first{.ids = {1, 2, 3, 4, 5}, .context_tokens = 3},
      second{.ids = {1, 2, 3, 9}, .context_tokens = 3};
  return {{first, second}, {second, first}};
}

TEST(Devices, the_shadow_refuses_operands_of_the_processor) {
  const Tensor here = at::ones({3}), there = here.to(testing::shadow_device());
  EXPECT_ANY_THROW(there + here);
  EXPECT_ANY_THROW(there.index_select(0, at::zeros({1}, at::kLong)));
  EXPECT_TRUE(at::equal((there + there).cpu(), here + here));
}

TEST(Devices, families_give_the_same_logits) {
  for (const std::string& name : testing::family_oracles()) {
    REQUIRE_DATA(std::filesystem::path("oracles/families") / name);
    const auto logits_on = [&](Device device) {
      const OpenedModel opened = open_model(testing::family_oracle(name), device);
      const Tensor ids = at::arange(40, at::kLong) * 7 % opened.model.config.vocabulary;
      return logits_of(run_decoder(opened.model, {ids}).front(), Head(load_head(opened.model)));
    };
    const Tensor expected = logits_on(at::kCPU);
    for (const Device device : devices())
      EXPECT_LE(difference(logits_on(device), expected), 1e-4) << name << " on " << device.str();
  }
}

/// A model and quantized runs of it, one for each way in which inputs are prepared.
class PlacedRuns : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    std::string text;
    for (int i = 0; i < 300; ++i)
      text += "line " + std::to_string(i * i) + " of it\n";
    write_text(folder_ / "text.txt", text);
    const auto made =
        run_program({"quantize", at("model"), "--method", GetParam(), "--calibration",
                     at("text.txt"), "--window", "64", "--out", at("run"), "--quiet"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  testing::TemporaryFolder folder_;
};

TEST_P(PlacedRuns, evaluate_as_on_the_processor) {
  const auto evaluation_on = [&](Device device) {
    const OpenedModel original = open_model(at("model"), device),
                      run = open_model(at("run"), device);
    return evaluate(run.model, &original.model, some_windows(run.model.config.vocabulary));
  };
  const Evaluation expected = evaluation_on(at::kCPU);
  for (const Device device : devices()) {
    const Evaluation placed = evaluation_on(device);
    // An input that lies between two codes may fall to either side.
    EXPECT_NEAR(placed.mean_loss, expected.mean_loss, 2e-3) << device.str();
    EXPECT_NEAR(placed.divergence->kl, expected.divergence->kl, 2e-3) << device.str();
    EXPECT_GE(placed.divergence->top1_agreement, 0) << device.str();
  }
}

TEST_P(PlacedRuns, answer_as_on_the_processor) {
  const auto scores_on = [&](Device device) {
    return score(open_model(at("run"), device).model, some_items());
  };
  const auto expected = scores_on(at::kCPU);
  for (const Device device : devices()) {
    const auto placed = scores_on(device);
    for (std::size_t item = 0; item < expected.size(); ++item)
      for (std::size_t i = 0; i < expected[item].size(); ++i)
        EXPECT_NEAR(placed[item][i].log_likelihood, expected[item][i].log_likelihood, 2e-2)
            << device.str();
  }
}

TEST_P(PlacedRuns, generate_as_on_the_processor) {
  const auto logits_on = [&](Device device) {
    const OpenedModel opened = open_model(at("run"), device);
    Decoding decoding(opened.model, 16);
    std::vector<Tensor> logits;
    for (const std::int64_t id : {5, 9, 60, 2})
      logits.push_back(decoding.read(at::tensor({id, id + 1}, at::kLong)));
    return at::stack(logits);
  };
  const Tensor expected = logits_on(at::kCPU);
  for (const Device device : devices())
    EXPECT_LE(difference(logits_on(device), expected), 0.05) << device.str();
}

INSTANTIATE_TEST_SUITE_P(
    Methods, PlacedRuns,
    ::testing::Values(
        "weight=mxfp4 activation=mxfp4",
        "rotate=hadamard:32@residual,hadamard:32@value_output,hadamard:32@down_input "
        "weight=mxfp4 activation=mxfp4 rounding=gptq",
        "rotate=aware:32@inputs weight=mxfp4 activation=mxfp4 centre=mean",
        "weight=nvfp4 activation=nvfp4", "weight=nvfp4 activation=nvfp4/token",
        "weight=int4 activation=int8",
        "rotate=hadamard@query_key weight=mxfp8-e4m3 activation=mxfp8-e4m3 kv=mxfp4"));

TEST(DeviceOption, what_is_no_device_is_one_clear_line) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder / "model");
  const auto with_device = [&](const char* device) {
    return std::vector<std::string>{
        "generate", (folder / "model").string(), "--prompt", "Hi", "--device", device};
  };
  expect_command_error(with_device("gpu"), "give cpu, cuda or cuda:NUMBER");
  expect_command_error(with_device("cuda:-1"), "give cpu, cuda or cuda:NUMBER");
  expect_command_error(with_device("cuda:99"), no_cuda.empty() ? "choose another" : no_cuda);
  EXPECT_EQ(run_program(with_device("cpu")).exit_code, 0);
}

} // namespace
} // namespace latticelens
