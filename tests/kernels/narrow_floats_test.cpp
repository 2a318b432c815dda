#include "kernels/narrow_floats.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

namespace latticelens {
namespace {

bool same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

TEST(NarrowFloats, every_half_and_every_bf16_is_widened_exactly) {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = static_cast<std::uint16_t>(i);
  std::vector<float> ours(all.size()), simple(all.size());
  widen_half(all, ours);
  reference::widen_half(all, simple);
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_TRUE(same(ours[i], simple[i])) << i;
  widen_bf16(all, ours);
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_TRUE(same(ours[i], std::bit_cast<float>(static_cast<std::uint32_t>(i) << 16))) << i;
  std::vector<std::uint16_t> back(all.size());
  widen_half(all, ours);
  EXPECT_TRUE(narrow_to_half(ours, back));
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_TRUE(std::isnan(ours[i]) || back[i] == all[i]) << i;
}

TEST(NarrowFloats, halves_are_the_nearest_ties_to_even_at_every_length) {
  std::mt19937 random(1);
  std::vector<float> values = {0.0f,      -0.0f,
                               65504,     65519.99f,
                               0x1p-14f,  0x1p-24f,
                               0x1p-25f,  std::nextafter(0x1p-25f, 1.0f),
                               0x1p-149f, std::nextafter(0x1p-14f, 0.0f),
                               INFINITY,  -INFINITY,
                               NAN};
  for (int half = 0; half < 0x7bff; ++half) { // between two halves: the tie, and beside it
    const std::uint16_t pair[2] = {static_cast<std::uint16_t>(half),
                                   static_cast<std::uint16_t>(half + 1)};
    float ends[2];
    widen_half(pair, ends);
    const float middle = (ends[0] + ends[1]) / 2;
    for (const float value :
         {middle, std::nextafter(middle, 0.0f), std::nextafter(middle, 1e9f), -middle})
      values.push_back(value);
  }
  for (int i = 0; i < 100000; ++i) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    values.push_back(std::fabs(value) < 65520 ? value : 1);
  }
  std::vector<std::uint16_t> ours(values.size()), simple(values.size());
  EXPECT_TRUE(narrow_to_half(values, ours));
  EXPECT_TRUE(reference::narrow_to_half(values, simple));
  EXPECT_EQ(ours, simple);
  for (std::size_t length = 0; length < 70; ++length) {
    std::vector<std::uint16_t> part(length);
    narrow_to_half(std::span(values).subspan(5, length), part);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), simple.begin() + 5));
  }
  for (const float large : {65520.0f, -65520.0f, 1e38f, std::numeric_limits<float>::max()})
    for (const std::size_t place : {std::size_t{0}, std::size_t{30}, std::size_t{40}}) {
      std::vector<float> row(41, 1.0f);
      row[place] = large;
      std::vector<std::uint16_t> half(row.size());
      EXPECT_FALSE(narrow_to_half(row, half));
      EXPECT_FALSE(reference::narrow_to_half(row, half));
    }
}

TEST(NarrowFloats, sums_of_squares_are_those_of_the_simple_loop) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (std::size_t length = 0; length < 200; ++length) {
    std::vector<float> x(length), y(length);
    for (std::size_t i = 0; i < length; ++i) {
      x[i] = normal(random);
      y[i] = x[i] + 0.01f * normal(random);
    }
    const SquareSums ours = square_sums(x, y), simple = reference::square_sums(x, y);
    EXPECT_NEAR(ours.difference, simple.difference, 1e-12 * (1 + simple.difference));
    EXPECT_NEAR(ours.energy, simple.energy, 1e-12 * (1 + simple.energy));
    EXPECT_EQ(square_sums(x, x).difference, 0);
  }
}

} // namespace
} // namespace latticelens
