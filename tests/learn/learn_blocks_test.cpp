#include "learn/learn_blocks.h"

#include "core/error.h"
#include "core/files.h"
#include "core/run_directory.h"
#include "learn/learn_weights.h"
#include "model/attention.h"
#include "quantize/layer_loop.h"
#include "tests/support.h"
#include "tests/tiny_family.h"
#include "tests/tiny_model.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

TokenWindows windows_of(std::int64_t vocabulary, std::int64_t count, std::int64_t length) {
  TokenWindows windows{.ids = {}, .count = count, .length = length};
  for (std::int64_t i = 0; i < count * length; ++i)
    windows.ids.push_back(static_cast<TokenId>((i * i * 7 + i * 13 + i / 5) % vocabulary));
  return windows;
}

QuantizeRequest request_of(const Model& model, const std::string& options) {
  return {.model = model,
          .method =
              parse_method("learn=blocks:" + options + " weight=mxfp4/away activation=mxfp4/away"),
          .calibration = windows_of(model.config.vocabulary, 6, 64),
          .seed = 5,
          .quiet = true};
}

/// What learning in `run` leaves, in bytes.
std::string files_in(const fs::path& run, std::int64_t layers) {
  std::string bytes = read_text(run / "learning.jsonl");
  for (std::int64_t layer = 0; layer < layers; ++layer)
    bytes += read_text(run / "learned" / ("layer-" + std::to_string(layer) + ".safetensors"));
  return bytes;
}

class LearnBlocks : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model", {.layers = 3, .biases = true});
    model_ = open_plain_model(folder_ / "model");
  }
  fs::path run(const std::string& name) const {
    make_directory(folder_ / name);
    return folder_ / name;
  }
  std::string learned(const QuantizeRequest& request, const std::string& name) const {
    learn_blocks(request, run(name));
    return files_in(run(name), request.model.config.layers);
  }

  testing::TemporaryFolder folder_;
  Model model_;
};

TEST_F(LearnBlocks, lower_the_blocks_errors_on_tokens_held_out) {
  QuantizeRequest request = request_of(model_, "steps=60,tokens=512");
  request.calibration = windows_of(model_.config.vocabulary, 40, 64);
  learned(request, "run");
  const std::vector<Json> rows = read_lines(run("run") / "learning.jsonl");
  ASSERT_EQ(rows.size(), 3u);
  double before = 0, after = 0; // of all blocks: one block of random weights may get worse
  for (std::size_t layer = 0; layer < rows.size(); ++layer) {
    EXPECT_EQ(rows[layer]["layer"], layer);
    before += rows[layer]["loss_before"].get<double>();
    after += rows[layer]["loss_after"].get<double>();
  }
  EXPECT_LT(after, 0.97 * before);
}

TEST_F(LearnBlocks, a_run_that_was_cut_off_ends_in_the_same_bytes) {
  const QuantizeRequest request = request_of(model_, "steps=3,tokens=64");
  const std::string whole = learned(request, "whole");
  EXPECT_EQ(learned(request, "whole"), whole); // finished: nothing is done
  for (std::int64_t last = 0; last < 2; ++last) {
    const std::string name = "cut" + std::to_string(last);
    EXPECT_THROW(learn_blocks(request, run(name),
                              [&](std::int64_t layer) {
                                if (layer == last)
                                  throw std::runtime_error("cut off");
                              }),
                 std::runtime_error);
    EXPECT_EQ(learned(request, name), whole) << last;
  }
}

TEST_F(LearnBlocks, have_the_same_bytes_at_one_and_two_threads) {
  const QuantizeRequest request = request_of(model_, "steps=3,tokens=128");
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const std::string one = learned(request, "one");
  at::set_num_threads(2);
  EXPECT_EQ(learned(request, "two"), one);
  at::set_num_threads(before);
}

TEST_F(LearnBlocks, rounding_to_nearest_keeps_what_was_learned_with_its_norms_and_biases) {
  for (const Family& family : families()) {
    SCOPED_TRACE(family.name);
    const std::string name = std::string("run-") + family.name;
    testing::write_tiny_family(folder_ / family.name, family, [](const Tensor& w) { return w; });
    const Model model = open_plain_model(folder_ / family.name);
    QuantizeRequest request = request_of(model, "steps=2,tokens=64");
    request.storage = Storage::fp32;
    RunDirectory directory(folder_ / name, {{"method", "blocks"}});
    directory.write(false, Json::object());
    request.learned_weights =
        std::make_shared<const LearnedWeights>(learn_blocks(request, directory.path()));
    quantize_blocks_of(request, directory);
    const OpenedModel opened = open_model(directory.model());
    for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
      Block kept = load_block(model, layer);
      const Block original = kept, loaded = load_block(opened.model, layer);
      request.learned_weights->install(kept, *model.layout);
      for (const auto& [linear, weights] : kept.linears) {
        EXPECT_TRUE(at::equal(loaded.linears.at(linear).weight, weights.weight)) << linear;
        if (weights.bias.defined()) {
          EXPECT_TRUE(at::equal(loaded.linears.at(linear).bias, weights.bias)) << linear;
        }
      }
      for (const auto& [norm_name, norm] : kept.norms) {
        EXPECT_TRUE(at::equal(loaded.norms.at(norm_name).gain, norm.gain)) << norm_name;
        if (norm.bias.defined()) {
          EXPECT_TRUE(at::equal(loaded.norms.at(norm_name).bias, norm.bias)) << norm_name;
        }
      }
      EXPECT_EQ(at::equal(kept.norms.at("input_layernorm").gain,
                          original.norms.at("input_layernorm").gain),
                model.config.experts > 0);
    }
  }
}

TEST_F(LearnBlocks, weights_alone_leave_norms_and_biases_out_of_the_file) {
  const LearnedWeights weights(folder_ / "learned");
  weights.write(load_block(model_, 0), *model_.layout);
  const SafetensorsFile file(folder_ / "learned/layer-0.safetensors");
  for (const auto& [name, entry] : file.entries())
    EXPECT_EQ(name.find('/'), std::string::npos) << name;
}

TEST_F(LearnBlocks, a_loss_that_is_not_finite_is_an_error_that_says_what_to_do) {
  auto weights = testing::tiny_weights({.layers = 3, .biases = true});
  for (auto& [name, tensor] : weights)
    if (name == "model.layers.1.mlp.down_proj.weight")
      tensor.fill_(3e38);
  write_safetensors(folder_ / "model/model.safetensors", weights);
  const Model model = open_plain_model(folder_ / "model");
  EXPECT_ERROR(learn_blocks(request_of(model, "steps=3,tokens=64"), run("run")),
               "block 1: the loss is not finite; give a lower rate: learn=blocks:rate=");
}

TEST_F(LearnBlocks, a_text_too_short_for_two_steps_is_refused) {
  EXPECT_ERROR(learn_blocks(request_of(model_, "tokens=1024"), run("run")), "twice as many");
}

TEST(LearnBlocksMethod, combinations_that_would_undo_what_is_learned_are_refused) {
  const auto with = [](const std::string& rest) { return parse_method("learn=blocks " + rest); };
  EXPECT_NO_THROW(with("weight=mxfp4 rotate=hadamard:32@value_output,hadamard:32@down_input"));
  EXPECT_ERROR(with("weight=mxfp4 rounding=gptq"), "write rounding=nearest");
  EXPECT_ERROR(with("weight=mxfp4 smooth=0.5"), "norms' gains are learned");
  EXPECT_ERROR(with("weight=mxfp4 rotate=hadamard:32@residual"), "norms' gains are learned");
  EXPECT_ERROR(with("weight=mxfp4 rotate=aware:32@inputs"), "chosen while blocks are rounded");
  EXPECT_ERROR(with("weight=mxfp4 rounding=gptq target=original"), "no original outputs");
  for (const char* format : {"mxfp4/ceil", "mxfp4/search", "nvfp4", "int4"})
    EXPECT_ERROR(with(std::string("weight=") + format), "lie on the grid of");
}

} // namespace
} // namespace latticelens
