#include "kernels/packed_encode.h"

#include "kernels/product.h"
#include "kernels/walsh_hadamard.h"
#include "tests/support.h"
#include <cmath>
#include <hwy/targets.h>
#include <random>
#include <vector>

namespace latticelens {
namespace {

const ElementGrid e2m1{1, 0, 6, Ties::even}, away{1, 0, 6, Ties::away};
constexpr float powers[] = {1, 2};
const ScaleRule floor_rule{}, even_rule{2, 1.75f, true}, search{.multipliers = powers};

std::vector<float> sample(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values)
    value = normal(random) * std::ldexp(1.0f, static_cast<int>(random() % 8) - 4);
  return values;
}

std::vector<float> signs_of(std::int64_t columns) {
  std::vector<float> signs = sample(columns, 9);
  for (float& sign : signs)
    sign = std::copysign(1.0f, sign);
  return signs;
}

/// What the transform makes of rows, by the kernels that everything else uses.
std::vector<float> rotated(std::vector<float> values, std::int64_t columns,
                           const BlockTransform& transform) {
  if (transform.matrices) {
    const std::vector<float> from = values;
    const auto rows = static_cast<std::int64_t>(values.size()) / columns;
    std::vector<float> strip(e2m1_block * strip_width), product(strip.size());
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t first = 0; first < columns; first += e2m1_block) {
        for (std::int64_t k = 0; k < e2m1_block; ++k)
          strip[k * strip_width] = from[row * columns + first + k];
        std::fill(product.begin(), product.end(), 0.0f);
        add_product<float>(e2m1_block, e2m1_block,
                           {transform.matrices + first * e2m1_block, 1, e2m1_block}, strip.data(),
                           product.data(), strip_width);
        for (std::int64_t j = 0; j < e2m1_block; ++j)
          values[row * columns + first + j] = product[j * strip_width];
      }
    return values;
  }
  if (transform.signs)
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] *= transform.signs[i % columns];
  if (transform.walsh_hadamard)
    walsh_hadamard(values, e2m1_block);
  return values;
}

std::vector<float> transformed(const std::vector<float>& values, std::int64_t columns,
                               const BlockTransform& transform) {
  std::vector<float> result = rotated(values, columns, transform);
  if (transform.centre)
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] -= transform.centre[i % columns];
  return result;
}

struct Encoded {
  std::vector<std::uint8_t> bytes;
  SnapCounts counts;
};

template<class Encode>
Encoded encoded(const Encode& encode, const std::vector<float>& values, std::int64_t columns,
                const BlockTransform& transform, const ScaleRule& rule, const ElementGrid& grid) {
  const auto rows = static_cast<std::int64_t>(values.size()) / columns;
  Encoded result{std::vector<std::uint8_t>(rows * encoded_bytes(columns)), {}};
  result.counts = encode(rows, columns, values.data(), transform, rule, grid, result.bytes.data());
  return result;
}

void expect_equal(const Encoded& a, const Encoded& b) {
  EXPECT_EQ(a.bytes, b.bytes);
  EXPECT_EQ(a.counts.clipped, b.counts.clipped);
  EXPECT_EQ(a.counts.not_finite, b.counts.not_finite);
}

/// In one pass as after the transform.
void expect_fused(const std::vector<float>& values, std::int64_t columns,
                  const BlockTransform& transform, const ScaleRule& rule = floor_rule,
                  const ElementGrid& grid = e2m1) {
  expect_equal(
      encoded(encode_rows, values, columns, transform, rule, grid),
      encoded(encode_rows, transformed(values, columns, transform), columns, {}, rule, grid));
}

/// Every transform there is, of rows of `columns`, about zero and about a centre.
struct Transforms {
  explicit Transforms(std::int64_t columns)
      : signs(signs_of(columns)), matrices(sample(columns * e2m1_block, 4)),
        centre(sample(columns, 6)) {
    for (const float* about : std::vector<const float*>{nullptr, centre.data()}) {
      all.push_back({.centre = about});
      all.push_back({.walsh_hadamard = true, .centre = about});
      all.push_back({.walsh_hadamard = true, .signs = signs.data(), .centre = about});
      all.push_back({.matrices = matrices.data(), .centre = about});
    }
  }
  std::vector<float> signs, matrices, centre;
  std::vector<BlockTransform> all;
};

TEST(PackedEncode, one_pass_gives_the_bytes_of_transforming_then_encoding) {
  for (const std::int64_t columns : {32, 96, 576, 1536})
    for (const std::int64_t rows : {1, 3, 4, 37})
      for (const BlockTransform& transform : Transforms(columns).all)
        expect_fused(sample(rows * columns, 1), columns, transform);
}

TEST(PackedEncode, every_rule_and_grid_equals_the_reference) {
  const Transforms transforms(96);
  for (const BlockTransform& transform : transforms.all)
    for (const ElementGrid& grid : {e2m1, away})
      for (const ScaleRule& rule : {floor_rule, even_rule, search}) {
        const std::vector<float> values = sample(5 * 96, 2);
        expect_equal(encoded(encode_rows, values, 96, transform, rule, grid),
                     encoded(reference::encode_rows, values, 96, transform, rule, grid));
      }
}

TEST(PackedEncode, every_instruction_set_gives_the_bytes_of_transforming_then_encoding) {
  const std::int64_t all = hwy::SupportedTargets();
  const Transforms transforms(96);
  const std::vector<float> values = sample(7 * 96, 1);
  for (std::int64_t left = all; left != 0; left &= left - 1) {
    hwy::GetChosenTarget().Update(left); // the best of what is left
    for (const BlockTransform& transform : transforms.all) {
      SCOPED_TRACE(hwy::TargetName(left & -left));
      expect_fused(values, 96, transform);
      if (!transform.matrices) // sums of products are fused on some and not on others
        expect_equal(encoded(encode_rows, values, 96, transform, even_rule, e2m1),
                     encoded(reference::encode_rows, values, 96, transform, even_rule, e2m1));
    }
  }
  hwy::GetChosenTarget().Update(all);
}

TEST(PackedEncode, every_number_between_levels_is_rounded_as_the_format_does) {
  std::vector<float> values(e2m1_block);
  values[0] = 4; // the scale is 1
  for (const ElementGrid& grid : {e2m1, away})
    for (const float tie : {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f, 6.0f, 7.0f})
      for (const float sign : {1.0f, -1.0f}) {
        values[1] = sign * std::nextafter(tie, 0.0f);
        values[2] = sign * tie;
        values[3] = sign * std::nextafter(tie, 8.0f);
        expect_equal(encoded(encode_rows, values, e2m1_block, {}, floor_rule, grid),
                     encoded(reference::encode_rows, values, e2m1_block, {}, floor_rule, grid));
      }
}

TEST(PackedEncode, what_is_not_finite_spoils_its_block_and_no_other) {
  const Transforms transforms(96);
  for (const float value : {INFINITY, -INFINITY, NAN})
    for (const BlockTransform& transform : transforms.all) {
      std::vector<float> values = sample(3 * 96, 1);
      values[96 + 40] = value;
      const Encoded fused = encoded(encode_rows, values, 96, transform, floor_rule, e2m1);
      EXPECT_EQ(fused.counts.not_finite, e2m1_block);
      std::vector<float> decoded(96);
      for (int row = 0; row < 3; ++row) {
        decode_row(&fused.bytes[row * encoded_bytes(96)], decoded);
        for (int i = 0; i < 96; ++i)
          EXPECT_EQ(std::isnan(decoded[i]), row == 1 && i / 32 == 1);
      }
    }
}

} // namespace
} // namespace latticelens
