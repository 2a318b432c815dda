// What no layer should look like, through every rounding of the table: a defined result or one
// clear error.
#include "core/error.h"
#include "lattice/order.h"
#include "rounding/rounding.h"
#include "tests/rounding/layers.h"
#include "tests/support.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

using testing::format_for;

constexpr std::int64_t width = 64;

Tensor inputs(std::int64_t tokens) {
  at::manual_seed(tokens);
  return at::randn({tokens, width}, at::kDouble);
}

Moments moments_of(const Tensor& x) {
  return {at::matmul(x.t(), x), x.size(0)};
}

std::vector<std::string> lattice_roundings() {
  std::vector<std::string> names;
  for (const RoundingRow& row : roundings())
    if (row.uses_moments)
      names.push_back(row.name);
  return names;
}

/// Every rounding that uses moments, in every order, on these.
void for_all(const Tensor& weight, const Moments& moments,
             const std::function<void(const Rounded&, const std::string&)>& check) {
  for (const std::string& name : lattice_roundings())
    for (const OrderRow& order : orders()) {
      const RoundingProblem problem{weight, moments, format_for(name), "blk", {}, order.name};
      check(round_weight(parse_rounding(name), problem), name + " " + order.name);
    }
}

void expect_finite(const Rounded& rounded, const std::string& what) {
  EXPECT_TRUE(rounded.values.isfinite().all().item<bool>()) << what;
  EXPECT_TRUE(rounded.scales.isfinite().all().item<bool>()) << what;
}

TEST(BadInput, fewer_tokens_than_channels_and_dead_channels_are_rounded) {
  Tensor x = inputs(20);
  x.slice(1, 10, 14).zero_();
  for_all(at::randn({5, width}, at::kFloat), moments_of(x), expect_finite);
}

TEST(BadInput, a_singular_matrix_without_damping_raises_it_visibly) {
  for (const std::string& name : lattice_roundings()) {
    const Format format = format_for(name);
    const Moments moments = moments_of(inputs(8));
    const RoundingProblem problem{at::randn({3, width}, at::kFloat), moments, format, "blk"};
    const Rounded rounded = round_weight(parse_rounding(name + ":damp=0"), problem);
    expect_finite(rounded, name);
    EXPECT_GT(rounded.escalations, 0) << name;
    EXPECT_GT(rounded.damping, 0) << name;
  }
}

TEST(BadInput, broken_moments_are_errors_that_name_the_layer) {
  const Tensor weight = at::randn({3, width}, at::kFloat);
  Moments moments = moments_of(inputs(100));
  const auto expect_error = [&](const char* part) {
    for (const std::string& name : lattice_roundings())
      for (const OrderRow& order : orders())
        EXPECT_ERROR(round_weight(parse_rounding(name),
                                  {weight, moments, format_for(name), "blk", {}, order.name}),
                     part);
  };
  moments.gram[3][5] = moments.gram[5][3] = NAN;
  expect_error("blk: the moments are not finite");
  moments = moments_of(at::zeros({10, width}, at::kDouble));
  expect_error("blk: the moments are all zero");
  moments = moments_of(inputs(100));
  moments.gram[0][1] = moments.gram[1][0] = 1e9;
  expect_error("blk: the moments are not positive definite even with damping");
}

TEST(BadInput, no_rows_zero_weights_and_a_giant_outlier_have_defined_results) {
  const Moments moments = moments_of(inputs(200));
  for_all(at::zeros({0, width}, at::kFloat), moments,
          [](const Rounded& rounded, const std::string& what) {
            EXPECT_EQ(rounded.values.sizes(), (std::vector<std::int64_t>{0, width})) << what;
          });
  for_all(at::zeros({3, width}, at::kFloat), moments,
          [](const Rounded& rounded, const std::string& what) {
            EXPECT_EQ(rounded.values.abs().max().item<float>(), 0) << what;
          });
  Tensor weight = at::randn({3, width}, at::kFloat);
  weight[1][7] = 1e8f;
  for_all(weight, moments, expect_finite);
}

TEST(BadInput, more_paths_than_leaves_and_impossible_options) {
  const Moments moments = moments_of(inputs(200));
  const Format format = parse_format("mxfp4");
  const RoundingProblem problem{at::randn({2, width}, at::kFloat), moments, format, "blk"};
  expect_finite(round_weight(parse_rounding("kbest:1024"), problem), "kbest:1024");
  EXPECT_ERROR(round_weight(parse_rounding("kbest:1025"), problem), "choose 1 to 1024");
  EXPECT_ERROR(round_weight(parse_rounding("kbest:0"), problem), "choose 1 to 1024");
  EXPECT_ERROR(round_weight(parse_rounding("klein:0"), problem), "1 or more");
  EXPECT_ERROR(round_weight(parse_rounding("hptq:99"), problem), "from 1 to 16 bits");
  EXPECT_ERROR(round_weight(parse_rounding("gptq:damp=auto"), problem), "at least 4 windows");
}

} // namespace
} // namespace latticelens
