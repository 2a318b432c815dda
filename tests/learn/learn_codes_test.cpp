#include "learn/learn_codes.h"

#include "core/files.h"
#include "quantize/layer_loop.h"
#include "tests/learn/learning_request.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

TEST(StartInsideCell, keeps_every_code_and_the_weights_that_have_it) {
  at::manual_seed(2);
  for (const char* name : {"mxfp4", "mxfp4/7.25", "nvfp4", "int4", "bfp4"}) {
    const Tensor weight = at::randn({9, 96});
    const Format format = parse_format(name).on(weight);
    const Tensor scales = format.fit(weight);
    SnapCounts counts;
    const Tensor nearest = format.snap(weight, scales, counts);
    // Codes that error feedback chose are sometimes one or two further away.
    const Tensor values = format.snap(weight + 0.4 * at::randn({9, 96}), scales, counts);
    const Tensor start = detail::start_inside_cell(weight, values, scales, format);
    EXPECT_TRUE(at::equal(format.snap(start, scales, counts), values)) << name;
    const Tensor same = nearest == values;
    EXPECT_TRUE(at::equal(start.masked_select(same), weight.masked_select(same))) << name;
    EXPECT_LT(same.sum().item<std::int64_t>(), same.numel()) << name;
    EXPECT_TRUE(((start - values).abs() <= (weight - values).abs()).all().item<bool>()) << name;
  }
}

class LearnCodes : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    model_ = open_plain_model(folder_ / "model");
  }
  QuantizeRequest request(const std::string& more) const {
    return testing::learning_request(model_, more);
  }
  RunDirectory run(const std::string& name) const {
    return RunDirectory(folder_ / name, {{"what", "a test"}});
  }
  /// The bytes of a model that is rounded and then learned.
  std::string learned(const QuantizeRequest& asked, const std::string& name,
                      const EachStep& each_step = {}) const {
    RunDirectory directory = run(name);
    quantize_blocks_of(asked, directory);
    learn_codes(asked, directory, each_step);
    EXPECT_FALSE(fs::exists(directory.path() / "learning"));
    std::string bytes = read_text(directory.path() / "learning.jsonl");
    for (std::int64_t shard = 0; shard <= model_.config.layers; ++shard)
      bytes += read_text(
          ShardFolder(directory.model(), model_.config.layers + 1, asked.storage).path(shard));
    return bytes;
  }

  testing::TemporaryFolder folder_;
  Model model_;
};

TEST_F(LearnCodes, lowers_the_divergence_and_leaves_the_scales) {
  const QuantizeRequest asked = request("rounding=gptq learn=codes:steps=30,tokens=64,rate=0.001");
  RunDirectory directory = run("run");
  quantize_blocks_of(asked, directory);
  const std::string full = "model.layers.1.mlp.down_proj.weight";
  const fs::path shard = ShardFolder(directory.model(), 3, asked.storage).path(1);
  const auto load = [&] {
    const SafetensorsFile file(shard);
    return load_packed(tensors_of(file), full, asked.method);
  };
  const UnpackedWeight before = load();
  learn_codes(asked, directory);
  const UnpackedWeight after = load();
  EXPECT_FALSE(at::equal(after.values, before.values));
  EXPECT_TRUE(at::equal(after.scales, before.scales));
  const std::vector<Json> rows = read_lines(directory.path() / "learning.jsonl");
  EXPECT_LT(rows.back()["held_out_loss"].get<double>(),
            0.8 * rows.front()["held_out_loss"].get<double>());
}

TEST_F(LearnCodes, a_run_that_was_cut_off_ends_in_the_same_bytes) {
  const QuantizeRequest asked = request("rounding=gptq learn=codes:steps=4,tokens=64,rate=0.01");
  const std::string whole = learned(asked, "whole");
  EXPECT_EQ(learned(asked, "whole"), whole); // finished: nothing is done
  for (const std::int64_t written : {0, 2, 4}) {
    const std::string name = "cut" + std::to_string(written);
    const auto each_step = [&](std::int64_t done) {
      if (done > written)
        throw std::runtime_error("cut off");
      return done == written;
    };
    try {
      learned(asked, name, each_step);
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(learned(asked, name), whole) << written;
  }
}

TEST_F(LearnCodes, has_the_same_bytes_at_one_and_two_threads_with_transforms_at_inputs) {
  QuantizeRequest asked = request("rounding=gptq learn=codes:steps=2,tokens=64,rate=0.01");
  asked.method.transforms = {parse_transform("aware:32@inputs")};
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const std::string one = learned(asked, "one");
  at::set_num_threads(2);
  EXPECT_EQ(learned(asked, "two"), one);
  at::set_num_threads(before);
}

} // namespace
} // namespace latticelens
