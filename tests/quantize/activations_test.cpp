#include "quantize/activations.h"

#include "formats/packed_linear.h"
#include "tests/support.h"
#include "transforms/block_matrix.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

constexpr std::int64_t width = 192;

/// One stage with an online rotation and one linear whose weight is MXFP4's.
Layout layout() {
  return {.linears = {{"proj", 50, width}},
          .stages = {{"input", {"proj"}}},
          .rotation = {.down = {{"input", "proj"}}}};
}

Block block() {
  SnapCounts counts;
  Block block;
  block.linears["proj"].weight = parse_format("mxfp4").quantize(at::randn({50, width}), counts);
  return block;
}

/// Kinds that are fused and kinds that are not.
std::vector<std::shared_ptr<const Transform>> transforms() {
  std::vector<std::shared_ptr<const Transform>> all = {nullptr};
  for (const std::int64_t size : {16, 32, 64, 0})
    for (const bool signs : {false, true})
      all.push_back(make_transform({"hadamard", size, Site::down_input},
                                   {.width = width, .seed = 5, .random_signs = signs}));
  for (const std::int64_t size : {16, 32, 64})
    all.push_back(std::make_shared<BlockMatrix>(at::randn({width / size, size, size}), "test"));
  return all;
}

TEST(Activations, packed_inputs_are_the_simulated_ones_bit_for_bit) {
  at::manual_seed(1);
  for (const char* format : {"mxfp4", "mxfp4/even", "mxfp4/away"})
    for (const auto& transform : transforms()) {
      const ActivationSpec plain{.down_input = transform, .format = parse_format(format)},
          packed{.down_input = transform, .format = parse_format(format)};
      Block simulated = block(), encoded = simulated;
      install_activations(simulated, layout(), plain);
      install_packed_products(encoded, layout(), packed);
      for (const std::int64_t tokens : {1, 7, 130}) {
        const Tensor x = at::randn({1, tokens, width}) * at::randn({1, tokens, 1}).exp(),
                     bytes = encoded.inputs.at("input")(x);
        ASSERT_EQ(bytes.scalar_type(), at::kByte);
        EXPECT_TRUE(at::equal(decode_rows(bytes), simulated.inputs.at("input")(x)));
      }
      EXPECT_EQ(packed.counts->values, plain.counts->values);
      EXPECT_EQ(packed.counts->snap.clipped, plain.counts->snap.clipped);
      EXPECT_EQ(packed.counts->snap.not_finite, plain.counts->snap.not_finite);
    }
}

/// `spec` with a centre at the stage.
ActivationSpec centred(ActivationSpec spec, const Tensor& centre) {
  spec.inputs["input"].centre = centre;
  spec.counts = std::make_shared<ActivationCounts>();
  return spec;
}

TEST(Activations, packed_products_add_what_the_centre_contributes) {
  at::manual_seed(2);
  const Tensor centre = 3 * at::randn({width}), x = at::randn({1, 33, width}) + centre;
  for (const auto& transform : transforms()) {
    const ActivationSpec spec =
        centred({.down_input = transform, .format = parse_format("mxfp4")},
                transform ? transform->apply(centre.unsqueeze(0))[0] : centre);
    for (const Tensor& bias : {Tensor(), at::randn({50})}) {
      Block simulated = block(), packed = simulated;
      simulated.linears["proj"].bias = packed.linears["proj"].bias = bias;
      install_activations(simulated, layout(), spec);
      install_packed_products(packed, layout(), spec);
      const auto output = [&](const Block& of) {
        return of.linears.at("proj")(of.inputs.at("input")(x));
      };
      ASSERT_EQ(packed.inputs.at("input")(x).scalar_type(), at::kByte);
      const Tensor expected = output(simulated);
      EXPECT_LE((output(packed) - expected).abs().max().item<double>(),
                2e-6 * width * expected.abs().max().item<double>());
    }
  }
}

TEST(Activations, around_the_mean_inputs_that_have_one_lose_less) {
  at::manual_seed(3);
  const Tensor mean = 4 * at::randn({width}), x = at::randn({1, 200, width}) + mean;
  const ActivationSpec plain{.down_input = nullptr, .format = parse_format("mxfp4/7.25")};
  const auto loss = [&](const ActivationSpec& spec) {
    Block with = block();
    install_activations(with, layout(), spec);
    return (with.inputs.at("input")(x) - x).norm().item<double>();
  };
  EXPECT_LT(loss(centred(plain, mean)), 0.5 * loss(plain));
}

TEST(Activations, packed_inputs_have_the_same_bytes_at_any_thread_count) {
  at::manual_seed(1);
  const Tensor x = at::randn({1, 301, width});
  const int before = at::get_num_threads();
  for (const auto& transform : transforms()) {
    Block encoded = block();
    install_packed_products(encoded, layout(),
                            {.down_input = transform, .format = parse_format("mxfp4")});
    const auto run = [&](int threads) {
      at::set_num_threads(threads);
      return encoded.inputs.at("input")(x);
    };
    const Tensor one = run(1), two = run(2);
    EXPECT_TRUE(at::equal(one, two));
  }
  at::set_num_threads(before);
}

} // namespace
} // namespace latticelens
