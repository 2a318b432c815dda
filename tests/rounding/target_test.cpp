// The mismatch target and what is chosen on held-out tokens.
#include "core/error.h"
#include "rounding/gptq.h"
#include "rounding/lattice_problem.h"
#include "tests/support.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

Moments moments_of(const Tensor& seen, const Tensor& original) {
  Moments moments{at::matmul(seen.t(), seen), seen.size(0)};
  moments.cross = at::matmul(seen.t(), original);
  moments.original = at::matmul(original.t(), original);
  return moments;
}

double outputs_apart(const Tensor& original, const Tensor& weight, const Tensor& seen,
                     const Tensor& values) {
  return (at::matmul(original, weight.to(at::kDouble).t()) -
          at::matmul(seen, values.to(at::kDouble).t()))
      .square()
      .sum()
      .item<double>();
}

TEST(MismatchTarget, gives_the_codes_and_the_error_of_qronos_golden_example) {
  // quantization-peers.md §2.3: x̃ is x rounded to 0.5, weights to a grid of 0.25.
  const Tensor x =
      at::tensor({.1,  .5,  -.8, .6,  .3, 1.5,  -1.1, .7, -1.1, -.4, -.2, .3, .1,  1.2, 0., 1.3,
                  -.1, -.9, .5,  1.4, 1., -1.4, .9,   .1, -.3,  .1,  0.,  .4, -.2, .9,  .5, .5},
                 at::kDouble)
          .view({8, 4});
  const Tensor seen = at::round(x * 2) / 2;
  const Moments moments = moments_of(seen, x);
  const Format quarter{.name = "quarters",
                       .block = 4,
                       .grid = {.mantissa_bits = 2, .minimum_exponent = 2, .maximum = 7},
                       .rule = {.grid_exponent = 1}};
  const Tensor weight = at::tensor({-.39f, .72f, -.38f, .88f}).view({1, 4});
  const double lambda = .00127822, mean_diagonal = .6171875;
  const Rounded rounded =
      round_gptq({weight, moments, quarter, "test"}, {{"damp", lambda / mean_diagonal}});
  EXPECT_TRUE(at::equal(rounded.values, at::tensor({-.25f, .75f, -.5f, 1.f}).view({1, 4})))
      << rounded.values;
  EXPECT_NEAR(output_error(weight, rounded.values, moments) / 8, .0251675, 1e-6);
  const Moments own = moments_of(seen, seen); // plain gptq of the same source
  const Rounded plain = round_gptq({weight, {own.gram, 8}, quarter, "test"}, {{"damp", .01}});
  EXPECT_TRUE(at::equal(plain.values, at::tensor({-.5f, .75f, -.25f, .75f}).view({1, 4})));
  EXPECT_NEAR(output_error(weight, plain.values, moments) / 8, .0463081, 1e-6);
}

struct Sample {
  explicit Sample(std::int64_t tokens, double noise = 0.3) {
    at::manual_seed(tokens);
    const Tensor mix = at::randn({64, 64}, at::kDouble) / 8 + at::eye(64, at::kDouble);
    original = at::matmul(at::randn({tokens, 64}, at::kDouble), mix);
    seen = original + noise * at::randn({tokens, 64}, at::kDouble);
  }
  Tensor original, seen;
};

TEST(MismatchTarget, output_error_is_the_distance_of_the_outputs) {
  const Sample sample(200);
  const Tensor weight = at::randn({8, 64}, at::kFloat), values = at::round(weight * 4) / 4;
  const double expected = outputs_apart(sample.original, weight, sample.seen, values);
  EXPECT_NEAR(output_error(weight, values, moments_of(sample.seen, sample.original)), expected,
              1e-9 * expected);
}

TEST(MismatchTarget, lies_closer_to_the_original_outputs_than_the_weights_do_on_many_layers) {
  const Format format = parse_format("mxfp4");
  for (int layer = 0; layer < 6; ++layer) {
    const Sample sample(640 + layer);
    const Tensor weight = at::randn({32, 64}, at::kFloat);
    const Moments moments = moments_of(sample.seen, sample.original);
    const RoundingProblem problem{weight, moments, format, "test"};
    const LatticeProblem aimed = lattice_problem(problem, moments, {.damping = 1e-9});
    const Tensor best = undo_order(aimed.target, aimed.factor.order).t();
    const Tensor solved =
        at::linalg_solve(moments.gram, at::matmul(moments.cross, weight.to(at::kDouble).t())).t();
    EXPECT_TRUE(at::allclose(best.to(at::kDouble), solved, 1e-4, 1e-5));
    const Rounded with = round_gptq(problem, {{"damp", 0.01}});
    const Rounded without =
        round_gptq({weight, {moments.gram, 640}, format, "test"}, {{"damp", 0.01}});
    EXPECT_LT(output_error(weight, with.values, moments),
              output_error(weight, without.values, moments));
  }
}

TEST(MismatchTarget, is_the_weight_itself_at_strength_zero_and_under_heavy_damping) {
  const Sample sample(100);
  const Moments moments = moments_of(sample.seen, sample.original);
  const Format format = parse_format("mxfp4");
  const Tensor weight = at::randn({4, 64}, at::kFloat);
  const RoundingProblem problem{weight, moments, format, "test"};
  const auto target = [&](const Regularisation& r) {
    const LatticeProblem found = lattice_problem(problem, moments, r);
    return undo_order(found.target, found.factor.order).t();
  };
  EXPECT_TRUE(at::equal(target({0.01, 0}), weight));
  EXPECT_TRUE(at::allclose(target({1e9, 1}), weight, 1e-5, 1e-6));
  EXPECT_FALSE(at::allclose(target({0.01, 1}), weight, 1e-2, 1e-2));
}

TEST(MismatchTarget, takes_up_the_drift_of_the_stream_that_the_outputs_are_added_to) {
  const Sample sample(900);
  const Tensor weight = at::randn({16, 64}, at::kFloat);
  const Tensor drift = at::matmul(sample.original, 0.3 * at::randn({64, 16}, at::kDouble));
  Moments moments = moments_of(sample.seen, sample.original);
  const Format format = parse_format("mxfp4");
  const Rounded without = round_gptq({weight, moments, format, "t"}, {{"damp", 0.01}});
  moments.drift = at::matmul(sample.seen.t(), drift);
  moments.original_drift = at::matmul(sample.original.t(), drift);
  moments.drift_energy = drift.square().sum().item<double>();
  const auto apart = [&](const Tensor& values) {
    return (at::matmul(sample.original, weight.to(at::kDouble).t()) + drift -
            at::matmul(sample.seen, values.to(at::kDouble).t()))
        .square()
        .sum()
        .item<double>();
  };
  const Rounded with = round_gptq({weight, moments, format, "t"}, {{"damp", 0.01}});
  EXPECT_NEAR(output_error(weight, with.values, moments), apart(with.values),
              1e-9 * apart(with.values));
  EXPECT_LT(apart(with.values), 0.5 * apart(without.values));
}

TEST(AutomaticDamping, is_the_best_on_tokens_held_out_and_rises_when_tokens_are_few) {
  const Format format = parse_format("mxfp4");
  const Tensor weight = at::randn({48, 64}, at::kFloat);
  double few_damping = 0, many_damping = 0;
  for (const std::int64_t tokens : {72, 4000}) {
    const Sample sample(tokens);
    const std::int64_t cut = tokens * 3 / 4;
    const auto part = [&](const Tensor& x, std::int64_t a, std::int64_t b) {
      return x.slice(0, a, b);
    };
    Moments all = moments_of(sample.seen, sample.original);
    all.held_out = std::make_shared<Moments>(
        moments_of(part(sample.seen, cut, tokens), part(sample.original, cut, tokens)));
    const RoundingProblem problem{weight, all, format, "test"};
    const Rounded found = round_gptq(problem, {{"damp", automatic}});
    ASSERT_TRUE(found.held_out_error.has_value());
    const Moments fitted = difference(all, *all.held_out);
    for (const double damping : {0.01, 1.0}) {
      const Rounded other = finish(lattice_problem(problem, fitted, {damping, 1}),
                                   nearest_plane(lattice_problem(problem, fitted, {damping, 1})));
      EXPECT_LE(*found.held_out_error,
                output_error(weight, other.values, *all.held_out) * (1 + 1e-9));
    }
    (tokens == 72 ? few_damping : many_damping) = found.damping;
  }
  EXPECT_GT(few_damping, many_damping);
  const Sample sample(80);
  const Moments none = moments_of(sample.seen, sample.original);
  EXPECT_ERROR(round_gptq({weight, none, format, "blk"}, {{"damp", automatic}}),
               "at least 4 windows");
}

} // namespace
} // namespace latticelens
