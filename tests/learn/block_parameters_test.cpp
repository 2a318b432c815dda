// The quantizer and the scales that learn=blocks learns, each by itself.
#include "core/error.h"
#include "formats/kept_values.h"
#include "learn/channel_factors.h"
#include "learn/channel_scales.h"
#include "learn/clipped_weight.h"
#include "learn/quantized_weights.h"
#include "model/attention.h"
#include "tests/support.h"
#include "tests/tiny_family.h"
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {
namespace {

std::vector<Tensor> gradients_of(const Tensor& y, const std::vector<Tensor>& inputs,
                                 const Tensor& gradient) {
  return torch::autograd::grad({y}, inputs, {gradient});
}

/// clipped_weight in LibTorch's operations, for MXFP4 with the rule floor.
Tensor obvious_clipped_weight(const Tensor& weight, const Tensor& clipping) {
  const Tensor blocks = weight.view({weight.size(0), -1, 32});
  const Tensor largest = blocks.abs().amax(-1, true) * clipping.sigmoid().unsqueeze(-1);
  const Tensor logarithm = largest.log2();
  const Tensor scales = (logarithm + (logarithm.floor() - logarithm).detach() - 2).exp2();
  const Tensor inside = (blocks / scales).clamp(-6, 6);
  const Tensor levels = at::tensor({0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0}, at::kFloat);
  const Tensor nearest = (inside.detach().abs().unsqueeze(-1) - levels).abs().argmin(-1);
  const Tensor codes = levels.take(nearest) * inside.detach().sign();
  return ((inside + (codes - inside).detach()) * scales).view(weight.sizes());
}

TEST(ClippedWeight, values_and_gradients_are_those_of_the_obvious_one) {
  at::manual_seed(3);
  const Tensor weight = at::randn({5, 96}, at::kFloat).requires_grad_(),
               clipping = (2 * at::randn({5, 3}, at::kFloat)).requires_grad_(),
               gradient = at::randn({5, 96}, at::kFloat);
  const Tensor y = clipped_weight(weight, clipping, parse_format("mxfp4")),
               expected = obvious_clipped_weight(weight, clipping);
  EXPECT_LE((y - expected).abs().max().item<double>(), 1e-6);
  const auto ours = gradients_of(y, {weight, clipping}, gradient),
             theirs = gradients_of(expected, {weight, clipping}, gradient);
  for (int i = 0; i < 2; ++i) {
    EXPECT_LE((ours[i] - theirs[i]).abs().max().item<double>(), 1e-5) << i;
    EXPECT_GT(theirs[i].abs().max().item<double>(), 0.01) << i;
  }
}

TEST(ClippedWeight, without_clipping_is_rounding_to_nearest) {
  const Tensor weight = at::randn({7, 64}, at::kFloat);
  for (const char* name : {"mxfp4/away", "mxfp8-e4m3", "mxint4"}) {
    const Format format = parse_format(name);
    const Tensor open = at::full({7, 64 / format.block}, 40, at::kFloat);
    EXPECT_TRUE(at::equal(clipped_weight(weight, open, format), rounded_to_nearest(weight, format)))
        << name;
  }
}

/// Whether nearest changes nothing, however the weights were clipped.
bool keeps_clipped(const Format& format) {
  at::manual_seed(9);
  const Tensor weight = at::randn({64, 256}, at::kFloat) * at::randn({64, 1}, at::kFloat).exp(),
               clipping = 3 * at::randn({64, 256 / format.block}, at::kFloat);
  const Tensor values = clipped_weight(weight, clipping, format);
  return at::equal(rounded_to_nearest(values, format), values);
}

TEST(KeptValues, rounding_again_changes_nothing_for_formats_that_say_so) {
  for (const char* name : {"mxfp4", "mxfp4/away", "mxfp4/even", "mxfp4/rceil", "mxfp4/7.25",
                           "mxfp4/7.25/away", "mxfp8-e4m3", "mxint4"}) {
    const Format format = parse_format(name);
    EXPECT_TRUE(!nearest_keeps_values(format) || keeps_clipped(format)) << name;
  }
  for (const char* name : {"mxfp4", "mxfp4/away", "mxfp4/even", "mxfp4/rceil", "mxfp4/7.25"})
    EXPECT_TRUE(nearest_keeps_values(parse_format(name))) << name;
  const Format ceil = parse_format("mxfp4/ceil");
  EXPECT_FALSE(nearest_keeps_values(ceil));
  EXPECT_FALSE(keeps_clipped(ceil));
  for (const char* name : {"mxfp4/search", "nvfp4", "int4", "bint4"})
    EXPECT_FALSE(nearest_keeps_values(parse_format(name))) << name;
}

TEST(ChannelFactors, gradients_are_those_of_LibTorch) {
  at::manual_seed(2);
  const Tensor x = at::randn({2, 7, 40}, at::kFloat).requires_grad_(),
               w = at::randn({9, 40}, at::kFloat).requires_grad_(),
               columns = at::randn({40}, at::kFloat).requires_grad_(),
               rows = at::randn({9}, at::kFloat).requires_grad_();
  const auto compare = [](const Tensor& ours, const Tensor& theirs,
                          const std::vector<Tensor>& inputs) {
    EXPECT_TRUE(at::equal(ours, theirs));
    const Tensor gradient = at::randn_like(ours.detach());
    const auto a = gradients_of(ours, inputs, gradient), b = gradients_of(theirs, inputs, gradient);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      EXPECT_LE((a[i] - b[i]).abs().max().item<double>(), 1e-5) << i;
  };
  compare(times_columns(x, columns), x * columns, {x, columns});
  compare(times_rows(w, rows), w * rows.unsqueeze(1), {w, rows});
}

/// Random scales at every site that the family has.
ChannelScales random_scales(const Model& model, const Block& block, const Tensor& x,
                            const Rope& rope) {
  ChannelMaxima maxima;
  run_block(model, block, rope, x, [&](std::string_view place, const Tensor& input) {
    see_channels(maxima, place, input);
  });
  ChannelScales scales = first_channel_scales(model, block, maxima);
  for (auto& [name, logarithms] : scales.norms)
    logarithms += 0.7 * at::randn_like(logarithms);
  if (scales.values.defined())
    scales.values += 0.7 * at::randn_like(scales.values);
  return scales;
}

TEST(ChannelScales, leave_the_unquantized_blocks_function_unchanged_in_every_family) {
  for (const Family& family : families()) {
    SCOPED_TRACE(family.name);
    const testing::TemporaryFolder folder;
    testing::write_tiny_family(folder.path(), family, [](const Tensor& w) { return w; });
    const Model model = open_plain_model(folder.path());
    const Block block = load_block(model, 1);
    at::manual_seed(8);
    const Tensor x = at::randn({2, 20, model.config.hidden}, at::kFloat);
    const Rope rope = make_rope(model.config, 20);
    const ChannelScales scales = random_scales(model, block, x, rope);
    EXPECT_EQ(scales.norms.empty(), model.config.experts > 0);
    EXPECT_EQ(scales.values.defined(), model.config.experts == 0);
    const Tensor y = run_block(model, block, rope, x);
    Block installed = block, folded = block;
    install_channel_scales(installed, scales, model);
    fold_channel_scales(folded, scales, model);
    for (const Block& scaled : {installed, folded})
      EXPECT_LE((run_block(model, scaled, rope, x) - y).abs().max().item<double>(), 2e-4);
    EXPECT_EQ(
        at::equal(folded.norms.at("input_layernorm").gain, block.norms.at("input_layernorm").gain),
        model.config.experts > 0);
  }
}

} // namespace
} // namespace latticelens
