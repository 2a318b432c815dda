// Roundings whose values are not the format's: sparse outliers, and coded integers.
#include "core/error.h"
#include "rounding/gptq.h"
#include "rounding/hptq.h"
#include "rounding/ssqr.h"
#include "tests/rounding/layers.h"
#include "tests/support.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

using testing::correlated_moments;

TEST(Ssqr, reaches_the_density_and_beats_gptq_that_clips) {
  const Moments moments = correlated_moments(128);
  const Format format = parse_format("mxfp4");
  Tensor weight = at::randn({60, 128}, at::kFloat);
  weight.slice(1, 0, 128, 13) *= 4;
  const RoundingProblem problem{weight, moments, format, "test", {ScaleTime::fixed}};
  const double gptq = output_error(weight, round_gptq(problem, {{"damp", 0.01}}).values, moments);
  for (const double density : {0.01, 0.05}) {
    const Rounded rounded = round_ssqr(problem, {{"damp", 0.01}, {"density", density}});
    const double reached = static_cast<double>(rounded.outliers) / (60.0 * 128);
    EXPECT_LE(reached, density);
    EXPECT_GT(reached, density / 3);
    EXPECT_NEAR(*rounded.bits, 4.25 + 32.0 / 128 + 64 * reached, 1e-9);
    EXPECT_LT(output_error(weight, rounded.values, moments), gptq);
    // What is not an outlier is a level times its scale.
    const Tensor steps = rounded.scales.repeat_interleave(32, 1), scaled = rounded.values / steps;
    std::int64_t inside = 0;
    for (std::int64_t row = 0; row < 60; row += 7)
      for (std::int64_t i = 0; i < 128; ++i)
        if (const double x = scaled[row][i].item<double>(); std::fabs(x) <= 6) {
          EXPECT_NEAR(snap(x, format.grid), x, 1e-5);
          ++inside;
        }
    EXPECT_GT(inside, 1000);
  }
  EXPECT_ERROR(round_ssqr(problem, {{"damp", 0.01}, {"density", 0}}), "between 0 and 1");
}

TEST(Hptq, meets_the_bits_with_integers_and_beats_the_same_code_of_nearest_integers) {
  const Moments moments = correlated_moments(96);
  const Format format = parse_format("mxfp4");
  const Tensor weight = at::randn({200, 96}, at::kFloat);
  for (const char* order : {"natural", "min-pivot"})
    for (const double bits : {2.5, 4.25}) {
      const RoundingProblem problem{weight, moments, format, "test", {}, order};
      const std::map<std::string, double> options = {{"damp", 0.01}, {"bits", bits}};
      const Rounded coded = round_hptq(problem, options), nearest = round_hrtn(problem, options);
      EXPECT_LE(*coded.bits, bits);
      EXPECT_GT(*coded.bits, bits - 0.05);
      EXPECT_LE(*nearest.bits, bits);
      EXPECT_LT(output_error(weight, coded.values, moments),
                output_error(weight, nearest.values, moments));
      const Tensor integers = coded.values / coded.scales[0][0];
      EXPECT_TRUE(at::allclose(integers, at::round(integers), 0, 1e-3));
    }
}

} // namespace
} // namespace latticelens
