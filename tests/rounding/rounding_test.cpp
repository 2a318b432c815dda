#include "core/error.h"
#include "lattice/order.h"
#include "rounding/gptq.h"
#include "rounding/rounding.h"
#include "tests/rounding/layers.h"
#include "tests/support.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

using testing::correlated_moments;
using testing::format_for;

const std::map<std::string, double> damping = {{"damp", 0.01}};

/// The published GPTQ: upper Cholesky factor of the inverse, errors pushed forward, groups of 32.
Tensor gptq_by_inverse(const Tensor& weight, const Tensor& gram, const Format& format) {
  const std::int64_t n = weight.size(1);
  const Tensor h = gram + 0.01 * gram.diagonal().mean() * at::eye(n, at::kDouble);
  const Tensor u = at::linalg_cholesky(at::linalg_inv(h)).t().contiguous();
  Tensor w = weight.to(at::kDouble).clone(), values = at::empty_like(w), scales;
  SnapCounts counts;
  for (std::int64_t i = 0; i < n; ++i) {
    if (i % 32 == 0)
      scales = format.fit(w.slice(1, i, i + 32).contiguous()).to(at::kDouble);
    const Tensor scaled = w.select(1, i).unsqueeze(1) / scales;
    for (std::int64_t row = 0; row < w.size(0); ++row)
      values[row][i] = snap(scaled[row][0].item<double>(), format.grid) * scales[row][0];
    const Tensor error = (w.select(1, i) - values.select(1, i)) / u[i][i];
    w.slice(1, i) -= at::outer(error, u[i].slice(0, i));
  }
  return values.to(at::kFloat);
}

TEST(Gptq, lattice_form_gives_the_codes_of_the_published_inverse_form) {
  const Moments moments = correlated_moments(96);
  const Format format = parse_format("mxfp4");
  const Tensor weight = at::randn({24, 96}, at::kFloat);
  const Rounded rounded = round_gptq({weight, moments, format, "test"}, damping);
  const Tensor published = gptq_by_inverse(weight, moments.gram, format);
  EXPECT_TRUE(at::equal(rounded.values, published));
}

TEST(Gptq, panels_equal_the_obvious_loop_for_every_format_and_scale_time) {
  for (const FormatRow& row : formats())
    for (const char* scales : {"current", "stale", "static", "search:3"})
      for (const OrderRow& order : orders())
        for (const std::int64_t n : {32, 160, 288}) {
          const Moments moments = correlated_moments(n);
          const Tensor weight = at::randn({19, n}, at::kFloat);
          const Format format = row.make().on(weight);
          const RoundingProblem problem{weight,    moments, format, "test", parse_scales(scales),
                                        order.name};
          if (format.block > 128 && problem.scales.time != ScaleTime::fixed &&
              problem.scales.time != ScaleTime::current) {
            EXPECT_ERROR(round_gptq(problem, damping), "write scales=static");
            continue;
          }
          const Rounded fast = round_gptq(problem, damping),
                        slow = reference::round_gptq(problem, damping);
          // A free scale rounded the other way by the last digit of a residual changes its row.
          if (!format.rule.scale_grid || format.block == n) {
            EXPECT_TRUE(at::equal(fast.values, slow.values))
                << row.name << scales << order.name << n;
            EXPECT_TRUE(at::equal(fast.scales, slow.scales));
            EXPECT_EQ(fast.clipped, slow.clipped) << row.name;
            EXPECT_TRUE(at::allclose(fast.solver_error, slow.solver_error, 1e-4));
          } else {
            const double same = fast.values.eq(slow.values).to(at::kDouble).mean().item<double>();
            EXPECT_GT(same, 0.9) << row.name << scales << order.name << n;
            EXPECT_TRUE(at::allclose(fast.solver_error.sum(), slow.solver_error.sum(), 0.02));
          }
          const double damped = output_error(problem.weight, fast.values, moments) +
                                damping.at("damp") * moments.gram.diagonal().mean().item<double>() *
                                    (problem.weight - fast.values).square().sum().item<double>();
          EXPECT_NEAR(fast.solver_error.sum().item<double>(), damped, 1e-4 * damped);
        }
}

TEST(Rounding, every_rounding_returns_representable_values_and_beats_nearest_on_correlated_inputs) {
  const Moments moments = correlated_moments(256);
  const Tensor weight = at::randn({64, 256}, at::kFloat);
  for (const RoundingRow& row : roundings()) {
    const Format format = format_for(row.name).on(weight);
    const double nearest = output_error(
        weight, round_weight(parse_rounding("nearest"), {weight, moments, format, "t"}).values,
        moments);
    if (row.packing != grid_packing)
      continue;
    const Rounded rounded =
        round_weight(parse_rounding(row.name), {weight, moments, format, "test"});
    SnapCounts counts;
    EXPECT_TRUE(at::equal(format.snap(rounded.values, rounded.scales, counts), rounded.values))
        << row.name;
    const double error = output_error(weight, rounded.values, moments);
    EXPECT_TRUE(!row.uses_moments || error < nearest) << row.name;
  }
}

TEST(Rounding, every_rounding_equals_nearest_on_uncorrelated_inputs) {
  Moments moments{at::eye(64, at::kDouble) * 3, 10};
  const Tensor weight = at::randn({16, 64}, at::kFloat);
  for (const RoundingRow& row : roundings()) {
    const Format format = format_for(row.name);
    const Tensor expected =
        round_weight(parse_rounding("nearest"), {weight, moments, format, "t"}).values;
    EXPECT_TRUE(
        row.packing != grid_packing ||
        at::equal(round_weight(parse_rounding(row.name), {weight, moments, format, "t"}).values,
                  expected))
        << row.name;
  }
}

TEST(Reduced, takes_rows_that_stay_inside_the_grid_and_counts_those_that_do_not) {
  at::manual_seed(12);
  const Tensor mix = at::randn({48, 48}, at::kDouble) / 7 + at::eye(48, at::kDouble);
  const Tensor x =
      at::matmul(at::randn({300, 48}, at::kDouble) * at::arange(1, 49, at::kDouble).pow(-1.5), mix);
  const Moments moments{at::matmul(x.t(), x), 300};
  const Tensor weight = at::randn({80, 48}, at::kFloat);
  for (const char* name : {"int8", "int4", "bint4:row"}) {
    const RoundingProblem problem{weight, moments, parse_format(name), "t", {}, "min-pivot"};
    const Rounded gptq = round_weight(parse_rounding("gptq:damp=0.0001"), problem),
                  reduced = round_weight(parse_rounding("reduced:damp=0.0001"), problem),
                  portfolio = round_weight(parse_rounding("portfolio:damp=0.0001"), problem);
    EXPECT_TRUE((reduced.solver_error <= gptq.solver_error * (1 + 1e-6)).all().item<bool>());
    EXPECT_TRUE((portfolio.solver_error <= reduced.solver_error * (1 + 1e-4)).all().item<bool>());
    ASSERT_TRUE(reduced.overflow_rows.has_value());
    if (std::string(name) == "int8") {
      EXPECT_LT(*reduced.overflow_rows, 80);
      EXPECT_LT(reduced.solver_error.sum().item<double>(), gptq.solver_error.sum().item<double>());
    } else {
      EXPECT_GT(*reduced.overflow_rows, 0);
    }
    EXPECT_TRUE(portfolio.overflow_rows.has_value());
  }
  EXPECT_ERROR(
      round_weight(parse_rounding("reduced"), {weight, moments, parse_format("mxfp4:16"), "t"}),
      "a lattice of its own");
}

TEST(Rounding, searches_that_promise_it_are_no_worse_than_gptq_in_any_row) {
  const Moments moments = correlated_moments(160);
  const Format format = parse_format("mxfp4");
  for (const char* scales : {"current", "static", "search:3"}) {
    const RoundingProblem problem{at::randn({40, 160}, at::kFloat), moments, format, "test",
                                  parse_scales(scales)};
    const Tensor gptq = round_weight(parse_rounding("gptq"), problem).solver_error;
    for (const char* name : {"klein:4", "descent", "portfolio:4", "portfolio:paths=4,pairs=1"})
      EXPECT_TRUE((round_weight(parse_rounding(name), problem).solver_error <= gptq * (1 + 1e-5))
                      .all()
                      .item<bool>())
          << name << scales;
  }
}

TEST(Rounding, the_papers_forms_give_the_codes_of_gptq_for_every_order_format_and_scale) {
  const Moments moments = correlated_moments(96);
  for (const FormatRow& row : formats())
    for (const OrderRow& order : orders())
      for (const char* scales : {"current", "static"}) {
        const Tensor weight = at::randn({10, 96}, at::kFloat);
        const Format format = row.make().on(weight);
        if (format.rule.scale_grid && std::string(scales) != "static")
          continue; // fp32 and fp64 residuals have other last digits, and so have their scales
        const RoundingProblem problem{weight,    moments, format, "test", parse_scales(scales),
                                      order.name};
        const Rounded gptq = round_gptq(problem, damping);
        for (const char* form :
             {"gptq-inverse", "babai", "gptq-rec", "babai-proj-rec", "babai-kappa"}) {
          const Rounded paper = round_weight(parse_rounding(form), problem);
          EXPECT_TRUE(at::equal(paper.values, gptq.values)) << form << order.name << scales;
          EXPECT_TRUE(at::equal(paper.scales, gptq.scales));
        }
      }
}

/// GGUF's types: fixed scales, offsets, uneven levels.
TEST(Rounding, types_with_frames_go_through_the_same_solvers) {
  const Moments moments = correlated_moments(288);
  const Tensor importance = moments.gram.diagonal().to(at::kFloat);
  for (const FormatRow& row : coded_formats())
    for (const OrderRow& order : orders()) {
      const Tensor weight = at::randn({19, 288}, at::kFloat) + 0.5;
      const RoundingProblem problem{
          weight,    moments, row.make().on(weight, importance), "test", parse_scales("static"),
          order.name};
      const Rounded fast = round_gptq(problem, damping),
                    slow = reference::round_gptq(problem, damping);
      EXPECT_GT((fast.values == slow.values).to(at::kDouble).mean().item<double>(), 0.99)
          << row.name; // fp32 and fp64 part at a tie, and the row goes another way
      const Rounded found = round_weight(parse_rounding("descent:paths=4"), problem);
      const double nearest =
          output_error(weight, round_weight(parse_rounding("nearest"), problem).values, moments);
      const double gptq = output_error(weight, fast.values, moments),
                   descent = output_error(weight, found.values, moments);
      EXPECT_LT(gptq, 0.8 * nearest) << row.name << order.name;
      EXPECT_LT(descent, gptq) << row.name << order.name;
      const PackedWeight packed =
          coded_packing().pack({found.values, found.scales}, problem.format);
      EXPECT_TRUE(at::equal(coded_packing().unpack(parts_of(packed), problem.format, "test").values,
                            found.values))
          << row.name;
    }
}

TEST(Rounding, types_with_frames_have_no_scales_that_wait) {
  const Moments moments = correlated_moments(32);
  const Tensor weight = at::randn({4, 32}, at::kFloat);
  const RoundingProblem problem{
      weight,   moments, parse_format("q4_0").on(weight), "test", parse_scales("search:3"),
      "natural"};
  EXPECT_ERROR(round_gptq(problem, damping), "write scales=static");
}

TEST(Rounding, output_error_is_the_squared_difference_of_the_outputs) {
  const Tensor x = at::randn({50, 32}, at::kDouble);
  const Tensor weight = at::randn({8, 32}, at::kFloat),
               values = weight + 0.1 * at::randn({8, 32}, at::kFloat);
  const double expected =
      at::matmul(x, (weight.to(at::kDouble) - values).t()).square().sum().item<double>();
  EXPECT_NEAR(output_error(weight, values, {at::matmul(x.t(), x), 50}), expected, 1e-9 * expected);
}

TEST(Rounding, specs_print_canonically_and_errors_list_what_is_known) {
  EXPECT_EQ(to_text(parse_rounding("gptq")), "gptq:damp=0.01");
  EXPECT_EQ(to_text(parse_rounding("gptq:damp=0.10")), "gptq:damp=0.1");
  EXPECT_EQ(to_text(parse_rounding("nearest")), "nearest");
  EXPECT_EQ(to_text(parse_rounding("kbest:32,damp=0.1")), "kbest:damp=0.1,paths=32");
  EXPECT_EQ(to_text(parse_rounding("gptq:damp=auto")), "gptq:damp=auto");
  EXPECT_ERROR(parse_rounding("kbest:paths=auto"), "is no number");
  EXPECT_ERROR(parse_rounding("gptq:damp=-1"), "must not be negative");
  EXPECT_ERROR(parse_rounding("obq"),
               "known: nearest, gptq, kbest, klein, descent, portfolio, reduced, ssqr, hptq");
  EXPECT_ERROR(parse_rounding("gptq:damping=1"), "options of gptq: damp");
  EXPECT_ERROR(parse_rounding("gptq:damp=x"), "is no number");
  EXPECT_ERROR(parse_rounding("gptq:"), "is no option");
}

} // namespace
} // namespace latticelens
