#include "kernels/block_codes.h"

#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace latticelens {
namespace {

/// Blocks of every sort: normal, ties between codes and signs, zeros, one large value.
std::vector<float> mixed_blocks(std::mt19937& random, std::size_t blocks) {
  std::normal_distribution<float> normal;
  std::vector<float> x(blocks * code_block);
  for (std::size_t i = 0; i < x.size(); ++i)
    switch (i / code_block % 4) {
    case 0:
      x[i] = normal(random);
      break;
    case 1:
      x[i] = 0.25f * static_cast<float>(static_cast<int>(random() % 49) - 24);
      break;
    case 2:
      x[i] = random() % 2 ? 0.0f : -0.0f;
      break;
    default:
      x[i] = i % code_block == 17 ? -100 * normal(random) : 0x1p-140f;
    }
  return x;
}

TEST(BlockCodes, equal_the_simple_loops) {
  std::mt19937 random(3);
  for (std::size_t blocks = 0; blocks < 50; ++blocks) {
    const std::vector<float> x = mixed_blocks(random, blocks);
    std::vector<float> ours(blocks), simple(blocks);
    extreme_values(x, ours);
    reference::extreme_values(x, simple);
    EXPECT_EQ(ours, simple);
    for (std::size_t b = 0; b < blocks; ++b)
      EXPECT_EQ(std::signbit(ours[b]), std::signbit(simple[b]));
    for (const float range : {127.0f, -8.0f, 2.0f}) {
      std::vector<float> factors(blocks);
      for (std::size_t b = 0; b < blocks; ++b)
        factors[b] = simple[b] != 0 ? range / (b % 3 ? simple[b] : std::fabs(simple[b])) : 0;
      std::vector<std::int8_t> codes(x.size()), expected(x.size());
      rounded_codes(x, factors, codes);
      reference::rounded_codes(x, factors, expected);
      EXPECT_EQ(codes, expected);
      std::vector<std::uint8_t> bytes(x.size()), expected_bytes(x.size());
      offset_codes(x, factors, 8.5f, 15, bytes);
      reference::offset_codes(x, factors, 8.5f, 15, expected_bytes);
      EXPECT_EQ(bytes, expected_bytes);
    }
    const std::array<float, 7> ends = {0.5f, 1.5f, 2.5f, 3.5f, 5, 7, 10};
    for (const float scale : {0.5f, 0x1p-128f, 0.4375f, INFINITY}) {
      const std::vector<float> scales(blocks, scale);
      std::vector<std::uint8_t> bytes(x.size()), expected_bytes(x.size());
      magnitude_codes(x, scales, ends, bytes);
      reference::magnitude_codes(x, scales, ends, expected_bytes);
      EXPECT_EQ(bytes, expected_bytes);
    }
  }
}

TEST(BlockCodes, ties_go_away_from_zero_and_what_lies_below_them_does_not) {
  std::vector<float> x;
  for (int code = -127; code < 127; ++code) {
    const float tie = static_cast<float>(code) + 0.5f;
    for (const float value : {tie, std::nextafter(tie, 200.0f), std::nextafter(tie, -200.0f)})
      x.push_back(value);
  }
  x.resize(x.size() / code_block * code_block);
  const std::vector<float> factors(x.size() / code_block, 1.0f);
  std::vector<std::int8_t> codes(x.size()), expected(x.size());
  rounded_codes(x, factors, codes);
  reference::rounded_codes(x, factors, expected);
  EXPECT_EQ(codes, expected);
}

} // namespace
} // namespace latticelens
