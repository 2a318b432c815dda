#include "tensor/gguf_blocks.h"

#include "core/error.h"
#include "core/files.h"
#include "tensor/gguf_codes.h"
#include "tests/support.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

namespace latticelens {
namespace {

const BlockType& type_named(const std::string& name) {
  for (const BlockType& type : block_types())
    if (name == type.name)
      return type;
  throw std::invalid_argument(name);
}

std::vector<float> decode(const BlockType& type, std::span<const std::byte> blocks) {
  std::vector<float> values(blocks.size() / type.bytes * type.values);
  type.decode(blocks, values);
  return values;
}

std::vector<float> decode(const std::string& name, const std::vector<std::uint8_t>& blocks) {
  return decode(type_named(name), std::as_bytes(std::span(blocks)));
}

std::string upper_case(std::string text) {
  for (char& letter : text)
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return text;
}

/// The names as ggml's reference files write them.
class GgmlReference : public ::testing::TestWithParam<const char*> {};

TEST_P(GgmlReference, decodes_bit_for_bit) {
  const std::string name = GetParam();
  REQUIRE_DATA("reference/ggml-quant");
  const std::filesystem::path folder = testing::data_folder() / "reference/ggml-quant";
  const MappedFile packed(folder / (name + ".q")), expected(folder / (name + ".deq.f32"));
  const std::vector<float> values = decode(type_named(upper_case(name)), packed.bytes());
  const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
  ASSERT_EQ(values.size(), 192u * 256u);
  ASSERT_EQ(bytes.size(), expected.bytes().size());
  EXPECT_EQ(std::memcmp(bytes.data(), expected.bytes().data(), bytes.size()), 0);
}

TEST_P(GgmlReference, encodes_byte_for_byte) {
  const std::string name = GetParam();
  REQUIRE_DATA("reference/ggml-quant");
  const BlockType& type = type_named(upper_case(name));
  if (!type.encode)
    return; // this program only reads it
  const std::filesystem::path folder = testing::data_folder() / "reference/ggml-quant";
  const MappedFile expected(folder / (name + ".q")), input(folder / "input.f32");
  std::vector<float> values(input.bytes().size() / sizeof(float));
  std::memcpy(values.data(), input.bytes().data(), input.bytes().size());
  std::vector<std::byte> blocks(values.size() / type.values * type.bytes);
  type.encode(values, {}, blocks);
  ASSERT_EQ(blocks.size(), expected.bytes().size());
  std::size_t different = 0, first = blocks.size();
  for (std::size_t i = 0; i < blocks.size(); ++i)
    if (blocks[i] != expected.bytes()[i]) {
      ++different;
      first = std::min(first, i);
    }
  EXPECT_EQ(different, 0u) << "the first in block " << first / type.bytes << ", byte "
                           << first % type.bytes;
}

INSTANTIATE_TEST_SUITE_P(Types, GgmlReference,
                         ::testing::Values("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_K", "q3_K",
                                           "q4_K", "q5_K", "q6_K", "iq4_nl", "iq4_xs", "mxfp4",
                                           "nvfp4"),
                         [](const auto& type) { return std::string(type.param); });

TEST(GgufBlocks, the_table_is_sorted_and_every_type_can_be_found) {
  std::uint32_t before = 0;
  for (const BlockType& type : block_types()) {
    EXPECT_EQ(find_block_type(type.number), &type);
    EXPECT_TRUE(type.number == 0 || type.number > before);
    before = type.number;
  }
  EXPECT_EQ(find_block_type(4), nullptr);
  EXPECT_EQ(find_block_type(~0u), nullptr);
  EXPECT_NE(supported_block_types().find("MXFP4 (39), NVFP4 (40)"), std::string::npos);
}

TEST(GgufBlocks, mxfp4_scales_the_e2m1_values_by_a_power_of_two) {
  // 0.4 (i - 15) with floor scale 2^0, packed element j | element j + 16.
  const std::vector<float> values =
      decode("MXFP4", {127, 0x1f, 0x2f, 0x2f, 0x3e, 0x4e, 0x4e, 0x5e, 0x5d, 0x6d, 0x6c, 0x6c, 0x6b,
                       0x7a, 0x7a, 0x79, 0x70});
  const std::vector<float> expected = {-6,   -6, -6, -4,   -4, -4,  -4, -3, -3,  -2, -2,
                                       -1.5, -1, -1, -.5f, 0,  .5f, 1,  1,  1.5, 2,  2,
                                       3,    3,  4,  4,    4,  4,   6,  6,  6,   6};
  EXPECT_EQ(values, expected);
}

TEST(GgufBlocks, mxfp4_scales_reach_the_subnormals_and_255_is_nan) {
  std::vector<std::uint8_t> block(17, 0x21); // 0.5 low, 1 high
  const float ends[][2] = {{0, 0x1p-127f}, {1, 0x1p-126f}, {2, 0x1p-125f}, {254, 0x1p127f}};
  for (const auto& [exponent, one] : ends) {
    block[0] = static_cast<std::uint8_t>(exponent);
    EXPECT_EQ(decode("MXFP4", block)[0], one / 2);
    EXPECT_EQ(decode("MXFP4", block)[16], one);
  }
  block[0] = 255;
  EXPECT_TRUE(std::isnan(decode("MXFP4", block)[0]));
}

TEST(GgufBlocks, nvfp4_scales_each_sixteen_values) {
  // Scales 1 (0x38), 448 (0x7e), 2^-9 (0x01), and NaN, which ggml reads as 0.
  std::vector<std::uint8_t> block = {0x38, 0x7e, 0x01, 0x7f};
  block.resize(36, 0xf2); // 1 low, -6 high
  const std::vector<float> values = decode("NVFP4", block);
  const float scales[] = {1, 448, 0x1p-9f, 0};
  for (std::size_t i = 0; i < 64; ++i)
    EXPECT_EQ(values[i], (i % 16 < 8 ? 1.f : -6.f) * scales[i / 16]) << i;
}

TEST(GgufBlocks, q4_1_is_scale_times_code_plus_minimum) {
  std::vector<std::uint8_t> block = {0x00, 0x38, 0x00, 0xc0}; // 0.5 and -2
  for (int j = 0; j < 16; ++j)
    block.push_back(static_cast<std::uint8_t>(j | (15 - j) << 4));
  const std::vector<float> values = decode("Q4_1", block);
  for (std::size_t j = 0; j < 16; ++j) {
    EXPECT_EQ(values[j], 0.5f * static_cast<float>(j) - 2);
    EXPECT_EQ(values[j + 16], 0.5f * static_cast<float>(15 - j) - 2);
  }
}

TEST(GgufBlocks, q6_k_joins_nibbles_and_pairs) {
  std::vector<std::uint8_t> block(210, 0);
  block[0] = 0xa5;         // nibbles of values 0 and 64
  block[32] = 0x0f;        // nibbles of values 32 and 96
  block[128] = 0b11100100; // upper pairs of values 0, 32, 64, 96
  for (std::size_t j = 0; j < 16; ++j)
    block[192 + j] = static_cast<std::uint8_t>(j % 2 ? -1 : 2); // the sub-blocks' scales
  block[208] = 0x00;
  block[209] = 0x3c; // 1
  const std::vector<float> values = decode("Q6_K", block);
  EXPECT_EQ(values[0], 2 * (5 - 32));
  EXPECT_EQ(values[32], 2 * (15 + 16 - 32));
  EXPECT_EQ(values[64], 2 * (10 + 32 - 32));
  EXPECT_EQ(values[96], 2 * (48 - 32));
  EXPECT_EQ(values[16], 32); // code 0, scale -1
  EXPECT_EQ(values[255], 32);
}

TEST(GgufBlocks, halves_are_exact_over_all_65536_patterns) {
  std::vector<std::uint16_t> bits(65536);
  for (std::size_t i = 0; i < bits.size(); ++i)
    bits[i] = static_cast<std::uint16_t>(i);
  const std::vector<float> values = decode(type_named("F16"), std::as_bytes(std::span(bits)));
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const int exponent = static_cast<int>(i >> 10 & 31), mantissa = static_cast<int>(i & 1023);
    const float sign = i >> 15 ? -1.f : 1.f;
    if (exponent == 31 && mantissa != 0) {
      EXPECT_TRUE(std::isnan(values[i]));
      continue;
    }
    const float magnitude = exponent == 31 ? HUGE_VALF
                            : exponent == 0
                                ? std::ldexp(static_cast<float>(mantissa), -24)
                                : std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(values[i]),
              std::bit_cast<std::uint32_t>(std::copysign(magnitude, sign)))
        << i;
  }
}

TEST(GgufBlocks, weights_lower_the_weighted_error) {
  std::vector<float> values(256), weights(256);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::sin(static_cast<float>(i * i)) + 0.3f;
    weights[i] = i % 8 == 0 ? 100.0f : 0.1f;
  }
  const auto error = [&](const BlockType& type, std::span<const float> counted) {
    std::vector<std::byte> blocks(values.size() / type.values * type.bytes);
    type.encode(values, counted, blocks);
    const std::vector<float> back = decode(type, blocks);
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      sum += weights[i] * std::pow(back[i] - values[i], 2);
    return sum;
  };
  for (const char* name : {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL"})
    EXPECT_LT(error(type_named(name), weights), 0.9 * error(type_named(name), {})) << name;
}

TEST(GgufBlocks, what_fp16_cannot_hold_is_an_error) {
  const std::vector<float> values(32, 1e6f);
  std::vector<std::byte> blocks(64);
  EXPECT_THROW(type_named("F16").encode(values, {}, blocks), Error);
  const std::vector<float> huge(32, 1e9f);
  EXPECT_THROW(type_named("Q4_0").encode(huge, {}, std::span(blocks).first(18)), Error);
  type_named("BF16").encode(huge, {}, blocks);
}

/// Decoding by scales, levels and codes that are written back gives what the decoder gives.
TEST(GgufBlocks, codes_and_scales_say_what_the_blocks_say) {
  for (const CodedType& coded : coded_types()) {
    const BlockType& type = type_named(coded.name);
    std::vector<float> values(type.values * 3);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = std::sin(static_cast<float>(i * i)) + 0.2f;
    std::vector<std::byte> blocks(3 * type.bytes);
    type.encode(values, {}, blocks);
    std::vector<float> expected;
    for (std::size_t b = 0; b < 3; ++b) {
      const auto block = std::span(blocks).subspan(b * type.bytes, type.bytes);
      float scales[16], offsets[16];
      coded.read_scales(block, scales, offsets);
      std::vector<std::uint8_t> codes(type.values);
      for (std::size_t i = 0; i < codes.size(); ++i) {
        codes[i] = static_cast<std::uint8_t>((i * 7 + b) % coded.levels.size());
        expected.push_back(scales[i / coded.group] * coded.levels[codes[i]] +
                           offsets[i / coded.group]);
      }
      coded.write_codes(codes.data(), block);
    }
    EXPECT_EQ(decode(type, blocks), expected) << coded.name;
  }
}

} // namespace
} // namespace latticelens
