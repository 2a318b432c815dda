#include "sae/reference_encode.h"

#include "core/error.h"
#include "tests/sae/random_coder.h"
#include "tests/support.h"
#include <limits>

namespace latticelens {
namespace {

using testing::random_coder;
using testing::random_inputs;

/// Latents that are the inputs themselves.
Coder identity(std::int64_t width, CoderConfig config) {
  config.scaling = InputScaling::none;
  return {config, {at::eye(width), at::zeros({width}), at::eye(width), at::zeros({width})}};
}

TEST(ReferenceEncode, keeps_the_largest_and_of_equal_ones_the_lowest_indices) {
  const Coder coder = identity(5, {.k = 3});
  const Codes codes = reference::encode(coder, at::tensor({2.f, 5.f, -9.f, 2.f, 2.f}).view({1, 5}));
  EXPECT_TRUE(codes.indices.equal(at::tensor({1, 0, 3}, at::kLong).view({1, 3})));
  EXPECT_TRUE(codes.values.equal(at::tensor({5.f, 2.f, 2.f}).view({1, 3})));
}

TEST(ReferenceEncode, negative_values_are_never_chosen) {
  const Coder coder = identity(3, {.k = 2});
  const Codes codes = reference::encode(coder, at::tensor({-1.f, 4.f, -2.f}).view({1, 3}));
  EXPECT_TRUE(codes.values.equal(at::tensor({4.f, 0.f}).view({1, 2})));
  EXPECT_TRUE(reference::decode(coder, codes).equal(at::tensor({0.f, 4.f, 0.f}).view({1, 3})));
}

TEST(ReferenceEncode, a_batch_keeps_k_times_its_rows) {
  const Coder coder = identity(3, {.selection = Selection::batch_top_k, .k = 1});
  const Tensor x = at::tensor({9.f, 8.f, 1.f, 2.f, 0.f, 1.f}).view({2, 3});
  const Codes codes = reference::encode(coder, x);
  EXPECT_TRUE(codes.values.equal(at::tensor({9.f, 8.f, 0.f, 0.f}).view({2, 2})));
}

TEST(ReferenceEncode, thresholds_keep_what_lies_above_them) {
  Coder coder = identity(3, {.selection = Selection::threshold});
  coder.config.thresholds = at::tensor({1.f, 1.f, -1.f});
  const Codes codes = reference::encode(coder, at::tensor({1.f, 1.5f, -0.5f}).view({1, 3}));
  EXPECT_TRUE(codes.values.equal(at::tensor({1.5f}).view({1, 1}))); // equal is not above
  EXPECT_EQ(codes.indices.item<std::int64_t>(), 1);
}

TEST(ReferenceEncode, scales_inputs_and_leaves_zero_as_it_is) {
  const Tensor x = at::tensor({3.f, 4.f, 0.f, 0.f}).view({2, 2});
  const Tensor unit = reference::scale_inputs({.scaling = InputScaling::unit_norm}, x);
  EXPECT_TRUE(unit.allclose(at::tensor({0.6f, 0.8f, 0.f, 0.f}).view({2, 2}), 0, 1e-7));
  const CoderConfig mean = {.scaling = InputScaling::mean_norm, .input_factor = 0.5};
  EXPECT_TRUE(reference::scale_inputs(mean, x).equal(x * 0.5));
}

TEST(ReferenceEncode, is_the_plain_formula) {
  const Coder coder = random_coder(40, 12, {.k = 40, .scaling = InputScaling::none});
  const Tensor x = random_inputs(9, 12);
  const CoderWeights& w = coder.weights;
  const Tensor latents = at::relu(at::mm(x - w.bias, w.encoder.t()) + w.encoder_bias);
  EXPECT_TRUE(reference::decode(coder, reference::encode(coder, x))
                  .allclose(at::mm(latents, w.decoder) + w.bias, 1e-4, 1e-4));
}

TEST(ReferenceEncode, refuses_what_it_cannot_encode) {
  const Coder coder = identity(2, {.k = 2});
  EXPECT_ERROR(reference::encode(coder, at::full({1, 2}, NAN)), "not finite");
  EXPECT_ERROR(reference::encode(coder, at::full({1, 2}, INFINITY)), "not finite");
  EXPECT_ERROR(reference::encode(coder, at::ones({1, 3})), "[tokens, 2]");
  EXPECT_ERROR(reference::encode(identity(2, {.k = 3}), at::ones({1, 2})), "more than the latents");
}

} // namespace
} // namespace latticelens
