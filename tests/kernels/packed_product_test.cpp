#include "kernels/packed_encode.h"

#include "tests/support.h"
#include <bit>
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
  for (float& value : values) {
    value = normal(random) * std::ldexp(1.0f, static_cast<int>(random() % 16) - 8);
    if (random() % 4 == 0)
      value = std::round(value * 4) / 4; // ties among them
    if (random() % 16 == 0)
      value = -0.0f;
  }
  return values;
}

std::vector<std::uint8_t> encode(const std::vector<float>& values, std::int64_t columns,
                                 const ScaleRule& rule = floor_rule,
                                 const ElementGrid& grid = e2m1) {
  const std::int64_t rows = static_cast<std::int64_t>(values.size()) / columns;
  std::vector<std::uint8_t> encoded(rows * encoded_bytes(columns));
  for (std::int64_t i = 0; i < rows; ++i)
    encode_row(std::span(values).subspan(i * columns, columns), rule, grid,
               &encoded[i * encoded_bytes(columns)]);
  return encoded;
}

std::vector<float> decode(const std::vector<std::uint8_t>& encoded, std::int64_t columns) {
  std::vector<float> values(encoded.size() / encoded_bytes(columns) * columns);
  for (std::size_t i = 0; i < values.size() / columns; ++i)
    decode_row(&encoded[i * encoded_bytes(columns)],
               std::span(values).subspan(i * columns, columns));
  return values;
}

struct Product {
  std::vector<float> fast, slow;
};

Product multiply(const std::vector<std::uint8_t>& x, const std::vector<std::uint8_t>& w,
                 std::int64_t columns, std::int64_t stride = e2m1_strip_rows) {
  std::vector<std::uint8_t> strip(strip_bytes(columns));
  const auto rows = static_cast<std::int64_t>(x.size()) / encoded_bytes(columns);
  pack_strip(w.data(), static_cast<std::int64_t>(w.size()) / encoded_bytes(columns), columns,
             strip.data());
  Product product{sample(rows * stride, 4), {}};
  product.slow = product.fast;
  const std::vector<float> start = sample(e2m1_strip_rows, 3);
  packed_product(rows, columns, x.data(), strip.data(), start.data(), product.fast.data(), stride);
  reference::packed_product(rows, columns, x.data(), strip.data(), start.data(),
                            product.slow.data(), stride);
  return product;
}

void expect_equal(const Product& product) {
  for (std::size_t i = 0; i < product.fast.size(); ++i)
    ASSERT_TRUE(product.fast[i] == product.slow[i] ||
                (std::isnan(product.fast[i]) && std::isnan(product.slow[i])))
        << i << ": " << product.fast[i] << " and " << product.slow[i];
}

TEST(PackedProduct, a_row_is_encoded_as_the_format_quantizes_it) {
  for (const std::int64_t columns : {32, 96, 576})
    for (const ElementGrid& grid : {e2m1, away})
      for (const ScaleRule& rule : {floor_rule, even_rule, search}) {
        const std::vector<float> values = sample(columns, 5);
        std::vector<float> quantized = values, decoded(values.size());
        const SnapCounts wanted = quantize_blocks(quantized, e2m1_block, rule, grid);
        std::vector<std::uint8_t> encoded(encoded_bytes(columns)), slow = encoded;
        const SnapCounts counts = encode_row(values, rule, grid, encoded.data());
        reference::encode_row(values, rule, grid, slow.data());
        decode_row(encoded.data(), decoded);
        EXPECT_EQ(decoded, quantized);
        EXPECT_EQ(encoded, slow);
        EXPECT_EQ(counts.clipped, wanted.clipped);
        EXPECT_EQ(counts.not_finite, 0);
      }
}

TEST(PackedProduct, extreme_rows_are_encoded_as_the_format_quantizes_them) {
  for (const float value : {0.0f, 0x1p-149f, 1e-38f, 5e-38f, 1e-37f, 2.5e38f, INFINITY, NAN}) {
    std::vector<float> values(64, 0.0f), decoded(64);
    values[5] = value;
    values[6] = -value / 3;
    values[40] = 1;
    std::vector<float> quantized = values;
    const SnapCounts wanted = quantize_blocks(quantized, e2m1_block, floor_rule, e2m1);
    std::vector<std::uint8_t> encoded(encoded_bytes(64));
    const SnapCounts counts = encode_row(values, floor_rule, e2m1, encoded.data());
    decode_row(encoded.data(), decoded);
    EXPECT_EQ(counts.not_finite, wanted.not_finite) << value;
    for (int i = 0; i < 64; ++i)
      EXPECT_TRUE(decoded[i] == quantized[i] ||
                  (std::isnan(decoded[i]) && std::isnan(quantized[i])))
          << value;
  }
}

TEST(PackedProduct, vectors_equal_the_reference_bit_for_bit) {
  for (const std::int64_t columns : {32, 96, 576, 1536})
    for (const std::int64_t rows : {1, 3, 4, 9})
      for (const std::int64_t out : {1, 17, 48})
        expect_equal(multiply(encode(sample(rows * columns, 1), columns),
                              encode(sample(out * columns, 2), columns), columns, 48 + rows));
}

TEST(PackedProduct, every_instruction_set_equals_the_reference) {
  const std::int64_t all = hwy::SupportedTargets();
  const std::vector<float> values = sample(96, 1);
  std::vector<std::uint8_t> slow(encoded_bytes(96));
  reference::encode_row(values, floor_rule, e2m1, slow.data());
  for (std::int64_t left = all; left != 0; left &= left - 1) {
    hwy::GetChosenTarget().Update(left); // the best of what is left
    EXPECT_EQ(encode(values, 96), slow) << hwy::TargetName(left & -left);
    expect_equal(multiply(encode(sample(5 * 96, 1), 96), encode(sample(40 * 96, 2), 96), 96));
  }
  hwy::GetChosenTarget().Update(all);
}

TEST(PackedProduct, a_product_equals_that_of_the_values) {
  constexpr std::int64_t columns = 576, rows = 5;
  const auto x = encode(sample(rows * columns, 1), columns),
             w = encode(sample(e2m1_strip_rows * columns, 2), columns);
  const auto left = decode(x, columns), right = decode(w, columns), start = sample(48, 3);
  const Product product = multiply(x, w, columns);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < e2m1_strip_rows; ++j) {
      double sum = start[j], size = std::fabs(sum);
      for (std::int64_t k = 0; k < columns; ++k) {
        const double term = double{left[i * columns + k]} * right[j * columns + k];
        sum += term;
        size += std::fabs(term);
      }
      ASSERT_NEAR(product.fast[i * 48 + j], sum, size * 18 * 0x1p-24);
    }
}

TEST(PackedProduct, the_largest_codes_do_not_overflow) {
  for (const float sign : {1.0f, -1.0f}) {
    const std::vector<float> x(64, 6), w(64, 6 * sign);
    const Product product = multiply(encode(x, 64), encode(w, 64), 64);
    EXPECT_EQ(product.fast[0], sample(48, 3)[0] + sign * 64 * 36);
    expect_equal(product);
  }
}

TEST(PackedProduct, scales_at_their_limits_and_zero_blocks_give_what_the_values_give) {
  const float large = 0x1p127f, tiny = 0x1p-126f;
  for (const float x_size : {0.0f, tiny, 1.0f, large})
    for (const float w_size : {0.0f, tiny, 1.0f, largest_weight_scale * 4}) {
      std::vector<float> x(32, 0.0f), w(32, 0.0f);
      x[3] = x_size;
      w[3] = -w_size;
      const Product product = multiply(encode(x, 32), encode(w, 32), 32);
      EXPECT_EQ(product.fast[0], sample(48, 3)[0] - x_size * w_size) << x_size << " " << w_size;
      expect_equal(product);
    }
}

TEST(PackedProduct, a_block_that_is_not_finite_makes_its_row_so_and_no_other) {
  std::vector<float> x = sample(3 * 96, 1);
  x[96 + 40] = NAN;
  const Product product = multiply(encode(x, 96), encode(sample(48 * 96, 2), 96), 96);
  for (int i = 0; i < 3 * 48; ++i)
    EXPECT_EQ(std::isnan(product.fast[i]), i / 48 == 1) << i;
}

} // namespace
} // namespace latticelens
