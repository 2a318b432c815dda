#include "kernels/microscale.h"

#include "tests/support.h"
#include <bit>
#include <cmath>
#include <random>
#include <vector>

namespace latticelens {
namespace {

constexpr float crooked[] = {-8, -5.5f, -3, -1, 1, 2, 7};
const ElementGrid grids[] = {{1, 0, 6, Ties::even},    {1, 0, 6, Ties::away},
                             {3, 0, 7.5, Ties::even},  {2, -2, 28, Ties::even},
                             {2, 2, 7, Ties::even},    {2, 2, 7, Ties::away},
                             {3, -6, 448, Ties::even}, {.maximum = 8, .table = crooked}};
constexpr float multipliers[] = {1, 1.25f, 0.75f, 0.875f}, powers[] = {1, 2};
const ScaleRule rules[] = {
    {2, 2, false},
    {2, 1.75f, true},
    {2, 1.5f, false},
    {2, 1.8125f, false},
    {.multipliers = powers},
    {.scale_grid = ElementGrid{10, -14, 65504}},
    {.scale_grid = ElementGrid{3, -6, 448}, .tensor_maximum = 448, .tensor_scale = 37.5f},
    {.scale_grid = ElementGrid{23, -100, 3e38}, .multipliers = multipliers}};

// Spread over many binades, with exact halves, zeros and negative zeros among them.
std::vector<float> sample(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) {
    value = normal(random) * std::ldexp(1.0f, static_cast<int>(random() % 40) - 20);
    if (random() % 4 == 0)
      value = std::ldexp(std::round(std::ldexp(value, 3)), -3);
    if (random() % 16 == 0)
      value = -0.0f;
  }
  return values;
}

double squared_error(std::span<const float> values, float scale, const ElementGrid& grid) {
  std::vector<float> snapped(values.begin(), values.end());
  reference::snap_block(snapped, scale, grid);
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    sum += std::pow(static_cast<double>(values[i]) - snapped[i], 2);
  return sum;
}

TEST(Microscale, vectors_equal_the_reference_for_every_grid_rule_and_block) {
  for (const std::int64_t block : {16, 32, 20, 1, 96})
    for (const ElementGrid& grid : grids)
      for (const ScaleRule& rule : rules) {
        auto values = sample(static_cast<std::size_t>(block * 64), 7);
        auto expected = values;
        SnapCounts expected_counts;
        std::vector<float> scales(64), expected_scales(64);
        fit_blocks(values, block, rule, grid, scales);
        for (int i = 0; i < 64; ++i) {
          const auto part = std::span(expected).subspan(i * block, block);
          expected_scales[i] = reference::fit_block(part, rule, grid);
          if (!rule.multipliers.empty()) { // equal errors but for fp32's noise: either will do
            const double chosen = squared_error(part, scales[i], grid),
                         least = squared_error(part, expected_scales[i], grid);
            ASSERT_LE(chosen, least * (1 + 1e-4) + 1e-9 * scales[i] * scales[i]);
            expected_scales[i] = scales[i];
          }
          expected_counts += reference::snap_block(part, expected_scales[i], grid);
        }
        ASSERT_EQ(scales, expected_scales);
        auto fused = values;
        const SnapCounts counts = snap_blocks(values, block, scales, grid);
        quantize_blocks(fused, block, rule, grid);
        for (std::size_t i = 0; i < values.size(); ++i) {
          ASSERT_EQ(std::bit_cast<std::uint32_t>(values[i]),
                    std::bit_cast<std::uint32_t>(expected[i]));
          ASSERT_EQ(std::bit_cast<std::uint32_t>(fused[i]),
                    std::bit_cast<std::uint32_t>(expected[i]));
        }
        EXPECT_EQ(counts.clipped, expected_counts.clipped);
      }
}

TEST(Microscale, extreme_blocks_equal_the_reference) {
  const float infinity = INFINITY, tiny = std::ldexp(1.0f, -149), huge = 3.4e38f;
  for (const float value :
       {0.0f, tiny, 1e-38f, 1.2e-38f, 5e-38f, 1e-37f, huge, infinity, -infinity, NAN})
    for (const ScaleRule& rule : rules) {
      std::vector<float> values(32, 0.0f);
      values[5] = value;
      values[6] = -value / 3;
      auto expected = values;
      const float scale = reference::fit_block(expected, rule, grids[0]);
      const SnapCounts expected_counts = reference::snap_block(expected, scale, grids[0]);
      const SnapCounts counts = quantize_blocks(values, 32, rule, grids[0]);
      EXPECT_EQ(counts.not_finite, expected_counts.not_finite) << value;
      for (int i = 0; i < 32; ++i)
        EXPECT_TRUE(values[i] == expected[i] || (std::isnan(values[i]) && std::isnan(expected[i])))
            << value;
      EXPECT_EQ(counts.not_finite > 0, !std::isfinite(value));
    }
}

} // namespace
} // namespace latticelens
