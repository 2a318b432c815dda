// Samples: known small vectors, and what rotations keep.
#include "analysis/sample.h"
#include "analysis/sampling.h"
#include "analysis/statistics.h"
#include "core/error.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

AnalysisSetting setting_of(const char* format, double outliers = 0.001) {
  return {parse_format(format), outliers, 7};
}

template<typename Call>
void expect_error(const Call& call, const std::string& part) {
  try {
    call();
    FAIL() << "no error with \"" << part << "\"";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(BlockErrors, of_a_small_matrix_by_hand) {
  const Tensor x = at::tensor({1.0f, -3.0f, 0.5f, 2.0f}).view({1, 4}),
               q = at::tensor({1.0f, -2.0f, 0.0f, 2.0f}).view({1, 4});
  const BlockNumbers numbers = block_numbers(x, q, 2);
  EXPECT_EQ(numbers.maximum, (std::vector<float>{3, 2}));
  EXPECT_EQ(numbers.error, (std::vector<double>{1, 0.25}));
  EXPECT_DOUBLE_EQ(squared_error(x, q), 1.25);
  EXPECT_DOUBLE_EQ(energy_of(x), 14.25);
}

TEST(BlockErrors, outliers_are_the_largest_magnitudes) {
  const Tensor x = at::tensor({1.0f, -9.0f, 4.0f, 2.0f}).view({2, 2});
  EXPECT_EQ(outlier_threshold(x, 0.25), 9);
  EXPECT_EQ(outlier_threshold(x, 0.5), 4);
  EXPECT_EQ(outlier_threshold(x, 1e-9), 9); // at least one
}

TEST(Sample, finds_the_outlier_block_and_its_error_in_mxfp4) {
  // Block 1: 12 has the scale 2^(3-2) = 2, so 12 = 6 * 2 is exact and 0.5 becomes 0 (a tie to
  // even).
  Tensor x = at::zeros({1, 64});
  x[0][3] = 1.0f;
  x[0][40] = 12.0f;
  x[0][41] = 0.5f;
  const AnalysisSetting setting = setting_of("mxfp4");
  const Sample sample({0, "input", "R1"}, x, setting);
  EXPECT_EQ(sample.outlier_blocks(), (std::vector<bool>{false, true}));
  const BlockNumbers& numbers = sample.blocks(Rotation::none);
  EXPECT_EQ(numbers.maximum, (std::vector<float>{1, 12}));
  EXPECT_EQ(numbers.error, (std::vector<double>{0, 0.25}));
  EXPECT_DOUBLE_EQ(sample.relative_error(setting.format, Rotation::none), 0.25 / 145.25);
}

TEST(Sample, rotations_keep_the_energy_and_block_rotation_that_of_every_block) {
  at::manual_seed(3);
  Tensor x = at::randn({40, 96});
  x.select(1, 5).mul_(50);
  const AnalysisSetting setting = setting_of("mxfp4");
  const Sample sample({0, "input", "R1"}, x, setting);
  for (const Rotation rotation : all_rotations)
    EXPECT_NEAR(energy_of(sample.values(rotation)) / sample.energy(), 1, 1e-6);
  const auto blocks_of = [](const Tensor& y) { return y.view({40, 3, 32}).square().sum(-1); };
  EXPECT_TRUE(at::allclose(blocks_of(sample.values(Rotation::block)), blocks_of(x), 1e-4));
  EXPECT_FALSE(at::allclose(blocks_of(sample.values(Rotation::full)), blocks_of(x), 0.5));
}

TEST(Sample, refuses_what_is_no_number_and_blocks_that_do_not_divide) {
  const AnalysisSetting setting = setting_of("mxfp4");
  Tensor x = at::ones({1, 32});
  x[0][0] = NAN;
  expect_error([&] { Sample({0, "mlp_input", "R1"}, x, setting); }, "mlp_input");
  expect_error(
      [&] {
        Sample({0, "input", "R1"}, at::ones({1, 40}), setting);
      },
      "do not divide the 40");
}

TEST(FullRotation, takes_the_whole_width_where_a_matrix_is_known) {
  EXPECT_EQ(full_rotation_size(128), 128);
  EXPECT_EQ(full_rotation_size(576), 576); // 36 * 16
  EXPECT_EQ(full_rotation_size(6), 2);     // there is no matrix of order 6 or 3
}

TEST(SpreadRows, at_equal_distances) {
  const Tensor x = at::arange(10).view({1, 10, 1});
  EXPECT_TRUE(at::equal(spread_rows(x, 3).flatten(), at::tensor({0, 3, 6}, at::kLong)));
  EXPECT_EQ(spread_rows(x, 20).size(0), 10);
}

TEST(Statistics, by_hand) {
  Ratios ratios;
  ratios.add(4, 1);
  ratios.add(1, 1);
  ratios.add(0, 1); // no ratio of positive numbers
  EXPECT_DOUBLE_EQ(ratios.mean(), 2);
  EXPECT_DOUBLE_EQ(ratios.share_above_one(), 0.5);
  EXPECT_DOUBLE_EQ(slope_of({{0, 1}, {1, 3}, {2, 5}}), 2);
  EXPECT_DOUBLE_EQ(rank_correlation({{0, 1}, {1, 3}, {2, 5}}), 1);
  EXPECT_DOUBLE_EQ(rank_correlation({{0, 5}, {1, 3}, {2, 1}}), -1);
  EXPECT_TRUE(std::isnan(slope_of({{1, 1}})));
  EXPECT_EQ(percent_text(0.1234), "12.3\u00a0%");
}

} // namespace
} // namespace latticelens
