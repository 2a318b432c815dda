#include "sae/activation_stream.h"

#include "core/error.h"
#include "tests/support.h"
#include "tests/tiny_model.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

std::string numbered(std::int64_t document) {
  return "document " + std::to_string(document);
}

class Stream : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_.path());
    model_ = open_plain_model(folder_.path());
    for (std::int64_t i = 0; i < 40; ++i) {
      TextWindow window{.ids = {}, .document = i, .first = 1};
      for (std::int64_t j = 0; j < 5 + i % 7; ++j)
        window.ids.push_back(static_cast<TokenId>((i * 31 + j * j * 7) % 96));
      windows_.push_back(window);
      taken_ += window.taken();
    }
  }
  testing::TemporaryFolder folder_;
  Model model_;
  std::vector<TextWindow> windows_;
  std::int64_t taken_ = 0;
};

/// A document of its own, without any padding beside it (sae-peers.md §9, 5).
TEST_F(Stream, activations_are_those_of_each_document_alone) {
  const SiteReader reader(model_, {{0}, {1}, {2}}, 16);
  std::vector<std::vector<Tensor>> all(3);
  for_each_activations(reader, windows_, numbered,
                       [&](const std::vector<Tensor>& some, std::size_t, std::size_t) {
                         for (std::size_t s = 0; s < 3; ++s)
                           all[s].push_back(some[s]);
                       });
  std::int64_t row = 0;
  const Tensor table = load_embedding(model_);
  for (const TextWindow& window : windows_) {
    const Tensor ids = at::tensor(at::ArrayRef<TokenId>(window.ids), at::kInt).to(at::kLong);
    Tensor x = embed(table, ids, model_.config);
    const Rope rope = make_rope(model_.config, ids.numel());
    for (std::int64_t site = 0; site < 3; ++site) {
      if (site > 0)
        x = run_block(model_, load_block(model_, site - 1), rope, x);
      const Tensor found = at::cat(all[site]).slice(0, row, row + window.taken());
      EXPECT_TRUE(at::allclose(found, x[0].slice(0, 1), 1e-4, 1e-5)) << site;
    }
    row += window.taken();
  }
  EXPECT_EQ(row, taken_);
}

TEST_F(Stream, gives_every_activation_once_an_epoch_in_another_order) {
  const SiteReader reader(model_, {{1}}, 16);
  for (const std::int64_t buffer : {10, 60, 100000}) {
    ActivationStream stream(reader, windows_, {.batch = 10, .buffer = buffer, .seed = 3}, numbered);
    std::vector<std::vector<double>> epochs(2);
    while (stream.position().epoch < 2) {
      const Tensor batch = stream.next()[0];
      if (stream.position().epoch == 2)
        break;
      EXPECT_EQ(batch.sizes().vec(), (std::vector<std::int64_t>{10, 64}));
      for (std::int64_t i = 0; i < 10; ++i)
        epochs[static_cast<std::size_t>(stream.position().epoch)].push_back(
            batch[i].sum().item<double>());
    }
    EXPECT_NE(epochs[0], epochs[1]);
    for (std::vector<double>& epoch : epochs) {
      // Less than a batch of each buffer waits for the next epoch.
      const std::int64_t buffers = std::max<std::int64_t>(1, (taken_ + buffer - 1) / buffer);
      EXPECT_GE(std::ssize(epoch), taken_ - 10 * buffers) << buffer;
      std::sort(epoch.begin(), epoch.end());
      EXPECT_EQ(std::adjacent_find(epoch.begin(), epoch.end()), epoch.end()) << "twice";
    }
  }
}

TEST_F(Stream, goes_on_at_a_position) {
  const SiteReader reader(model_, {{1}, {2}}, 16);
  for (const std::int64_t buffer : {30, 100000}) {
    const StreamSettings settings{.batch = 7, .buffer = buffer, .seed = 3};
    ActivationStream whole(reader, windows_, settings, numbered);
    StreamPosition at;
    for (int i = 0; i < 100; ++i) {
      at = whole.position();
      whole.next();
    }
    const std::vector<Tensor> wanted = whole.next();
    ActivationStream second(reader, windows_, settings, numbered);
    second.seek(at);
    second.next();
    const std::vector<Tensor> found = second.next();
    EXPECT_TRUE(at::equal(found[0], wanted[0]) && at::equal(found[1], wanted[1]));
  }
}

TEST_F(Stream, kept_activations_are_those_of_the_model_and_are_not_read_again) {
  const SiteReader reader(model_, {{1}, {2}}, 16);
  const StreamSettings settings{.batch = 7, .buffer = 60, .seed = 3};
  StreamSettings kept = settings;
  kept.shards = folder_ / "kept";
  ActivationStream stream(reader, windows_, settings, numbered),
      from_disk(reader, windows_, kept, numbered);
  for (int i = 0; i < 60; ++i) {
    const auto wanted = stream.next(), found = from_disk.next();
    for (std::size_t s = 0; s < 2; ++s)
      EXPECT_TRUE(at::allclose(found[s], wanted[s], 1e-4, 1e-5));
  }
  const auto file = folder_ / "kept/activations-0000.safetensors";
  const auto written = std::filesystem::last_write_time(file);
  ActivationStream again(reader, windows_, kept, numbered);
  again.next();
  EXPECT_EQ(std::filesystem::last_write_time(file), written);
  std::vector<TextWindow> fewer(windows_.begin(), windows_.end() - 1);
  ActivationStream other(reader, fewer, kept, numbered);
  EXPECT_ERROR(other.next(), "another text");
}

TEST_F(Stream, says_which_document_is_not_finite_and_what_is_too_little) {
  const SiteReader reader(model_, {{0}}, 16);
  EXPECT_ERROR(
      ActivationStream(reader, windows_, {.batch = taken_ + 1, .buffer = 1, .seed = 0}, numbered),
      "smaller --batch");
  testing::write_tiny_model(folder_ / "broken");
  Model broken = open_plain_model(folder_ / "broken");
  broken.prepare = [](Block& block) {
    Norm& norm = block.norms.begin()->second;
    norm.gain = norm.gain * INFINITY;
  };
  const SiteReader bad(broken, {{1}}, 16);
  EXPECT_ERROR(bad.read({&windows_[5]}, numbered), "document 5");
}

TEST(Scaling, keeps_zeros_and_brings_the_mean_norm_to_the_root_of_the_width) {
  at::manual_seed(1);
  Tensor x = at::randn({50, 16}) * 3;
  x[4].zero_();
  const Tensor unit = scaled(x, InputScaling::unit_norm, 1);
  EXPECT_NEAR(unit[3].norm().item<double>(), 1, 1e-6);
  EXPECT_EQ(unit[4].abs().max().item<double>(), 0);
  const double factor = input_factor(x, InputScaling::mean_norm);
  EXPECT_NEAR(scaled(x, InputScaling::mean_norm, factor).norm(2, {-1}).mean().item<double>(), 4,
              1e-5);
  EXPECT_TRUE(at::equal(scaled(x, InputScaling::none, 1), x));
}

TEST(Sites, name_what_there_is) {
  Config config;
  config.layers = 6;
  EXPECT_EQ(parse_site("block:6", config).blocks, 6);
  for (const char* wrong : {"block:7", "block:-1", "block:", "layer:2", "block:1x"})
    EXPECT_ERROR(parse_site(wrong, config), "block:0 (the embedding) to block:6");
}

} // namespace
} // namespace latticelens
