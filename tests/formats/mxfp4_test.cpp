// Golden vectors computed from the rules of the OCP specification and of other programs
// (quantization-peers.md §1.8).
#include "core/error.h"
#include "core/json.h"
#include "formats/packing.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <bit>

namespace latticelens {
namespace {

struct Golden {
  const char* format;
  std::vector<float> input, expected;
  int exponent;
};

Tensor block_of(const std::vector<float>& values) {
  Tensor block = at::zeros({1, 32}, at::kFloat);
  for (std::size_t i = 0; i < values.size(); ++i)
    block[0][static_cast<std::int64_t>(i)] = values[i];
  return block;
}

Tensor unpacked(const PackedWeight& packed) {
  return grid_packing().unpack(parts_of(packed), parse_format("mxfp4"), "test").values;
}

const std::vector<float> ties = {6, -0.25, 0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5, -5};
const std::vector<float> ties_even = {6, 0, 0, 1, 1, 2, 2, 4, 4, -4};

std::vector<float> significand_block(float first) {
  return {first, -3.4f, 1.1f, 0.3f, -0.1f, 2};
}
const std::vector<float> low = {6, -3, 1, 0.5f, 0, 2}, high = {8, -3, 1, 0, 0, 2};
const std::vector<float> small = {0.0123f,  -0.0457f, 0.1032f,  0.0031f,
                                  -0.0871f, 0.0294f,  -0.0061f, 0.0618f};
const std::vector<float> mixed = {1, -0.37f, 0.9f, 0.05f, -1.7f, 0.003f, 0.62f, 1.93f};

const Golden golden[] = {
    {"mxfp4", ties, ties_even, 0},
    {"mxfp4/even", ties, ties_even, 0},
    {"mxfp4/rceil", ties, ties_even, 0},
    {"mxfp4/7.25", ties, ties_even, 0},
    {"mxfp4/away", ties, {6, -0.5f, 0.5f, 1, 1.5f, 2, 3, 4, 6, -6}, 0},
    {"mxfp4", significand_block(7), low, 0},
    {"mxfp4/7.25", significand_block(7), low, 0},
    {"mxfp4/even", significand_block(7), high, 1},
    {"mxfp4/rceil", significand_block(7), high, 1},
    {"mxfp4/search", significand_block(7), low, 0},
    {"mxfp4", significand_block(7.5f), low, 0},
    {"mxfp4/even", significand_block(7.5f), high, 1},
    {"mxfp4/rceil", significand_block(7.5f), high, 1},
    {"mxfp4/7.25", significand_block(7.5f), high, 1},
    {"mxfp4/search", significand_block(7.5f), high, 1},
    {"mxfp4", significand_block(7.25f), low, 0},
    {"mxfp4/7.25", significand_block(7.25f), low, 0},
    {"mxfp4/even", significand_block(7.25f), high, 1},
    {"mxfp4/rceil", significand_block(7.25f), high, 1},
    {"mxfp4/search", significand_block(7.25f), high, 1},
    {"mxfp4/even", significand_block(6.5f), low, 0},
    {"mxfp4/7.25", significand_block(6.5f), low, 0},
    {"mxfp4/rceil", significand_block(6.5f), {6, -3, 1, 0, 0, 2}, 1},
    {"mxfp4", {5}, {4}, 0},
    {"mxfp4/away", {5}, {6}, 0},
    {"mxfp4",
     small,
     {0.015625f, -0.046875f, 0.09375f, 0, -0.09375f, 0.03125f, -0.0078125f, 0.0625f},
     -6},
    {"mxfp4/rceil",
     small,
     {0.015625f, -0.046875f, 0.09375f, 0, -0.09375f, 0.03125f, 0, 0.0625f},
     -5},
    {"mxfp4", mixed, {1, -0.375f, 1, 0, -1.5f, 0, 0.5f, 1.5f}, -2},
    {"mxfp4/even", mixed, {1, -0.25f, 1, 0, -1.5f, 0, 0.5f, 2}, -1},
    {"mxfp4/rceil", mixed, {1, -0.25f, 1, 0, -1.5f, 0, 0.5f, 2}, -1},
    {"mxfp4/search", mixed, {1, -0.25f, 1, 0, -1.5f, 0, 0.5f, 2}, -1},
};

TEST(Mxfp4, golden_vectors_of_every_rule) {
  for (const Golden& row : golden) {
    const Format format = parse_format(row.format);
    SnapCounts counts;
    const Tensor input = block_of(row.input), expected = block_of(row.expected);
    const Tensor scales = format.fit(input), values = format.snap(input, scales, counts);
    EXPECT_EQ(scales.item<float>(), std::ldexp(1.0f, row.exponent)) << row.format;
    EXPECT_TRUE(at::equal(values, expected)) << row.format << values;
    EXPECT_TRUE(at::equal(format.quantize(input, counts), values));
    const PackedWeight packed = grid_packing().pack({values, scales}, format);
    EXPECT_EQ(packed.at("_scale").item<int>(), row.exponent + 127);
    EXPECT_TRUE(at::equal(unpacked(packed), values));
  }
}

TEST(Mxfp4, packed_bytes_have_the_even_column_in_the_low_nibble) {
  const Tensor input = (0.4 * (at::arange(32, at::kFloat) - 15)).to(at::kFloat).view({1, 32});
  const Format format = parse_format("mxfp4");
  const Tensor scales = format.fit(input);
  SnapCounts counts;
  const PackedWeight packed =
      grid_packing().pack({format.snap(input, scales, counts), scales}, format);
  const std::vector<int> bytes = {0xff, 0xef, 0xee, 0xde, 0xcd, 0xbc, 0xaa, 0x09,
                                  0x21, 0x32, 0x44, 0x55, 0x66, 0x66, 0x77, 0x77};
  for (int i = 0; i < 16; ++i)
    EXPECT_EQ(packed.at("_packed")[0][i].item<int>(), bytes[i]) << i;
}

TEST(Mxfp4, all_zero_blocks_and_the_ends_of_the_scale_range_survive_packing) {
  const Format format = parse_format("mxfp4");
  for (const float value : {0.0f, 1e-45f, 1e-38f, 3.3e38f}) {
    SnapCounts counts;
    const Tensor input = block_of({value}), scales = format.fit(input),
                 values = format.snap(input, scales, counts);
    EXPECT_TRUE(at::equal(unpacked(grid_packing().pack({values, scales}, format)), values))
        << value;
    EXPECT_EQ(counts.not_finite, 0);
  }
}

TEST(Mxfp4, a_nan_scale_in_a_file_is_an_error) {
  PackedWeight packed{{"_packed", at::zeros({1, 16}, at::kByte)},
                      {"_scale", at::full({1, 1}, 255, at::kByte)}};
  EXPECT_ERROR(unpacked(packed), "NaN");
  packed["_scale"] = at::zeros({1, 2}, at::kByte);
  EXPECT_ERROR(unpacked(packed), "do not fit together");
}

TEST(Mxfp4, names_are_canonical_and_unknown_ones_list_what_is_known) {
  EXPECT_EQ(parse_format("mxfp4/floor/away").name, "mxfp4/away");
  EXPECT_EQ(parse_format("mxfp4/away/7.25").name, "mxfp4/7.25/away");
  EXPECT_EQ(parse_format(parse_format("mxfp4/search").name).name, "mxfp4/search");
  EXPECT_ERROR(parse_format("mxfp5"), "known: mxfp4");
  EXPECT_ERROR(parse_format("mxfp4/top"), "floor, even, rceil, 7.25, 1.75, ceil, search");
  EXPECT_ERROR(parse_format("mxfp4/even/floor"), "once each");
  EXPECT_ERROR(parse_format("mxfp4").fit(at::ones({2, 33})), "no multiple of the block of 32");
}

double hexadecimal(const Json& value) {
  return std::strtod(value.get<std::string>().c_str(), nullptr);
}

TEST(Mxfp4, unpacking_equals_the_published_decode_tables) {
  REQUIRE_DATA("reference/formats/ocp_decode_tables.json");
  const Json tables =
      read_json(testing::data_folder() / "reference/formats/ocp_decode_tables.json");
  const Json &elements = tables["e2m1"]["values_hexfloat"],
             &scales = tables["e8m0"]["values_hexfloat"];
  ASSERT_EQ(elements.size(), 16u);
  for (int scale = 0; scale < 255; ++scale)
    for (int code = 0; code < 16; ++code) {
      const PackedWeight packed{{"_packed", at::full({1, 16}, code, at::kByte)},
                                {"_scale", at::full({1, 1}, scale, at::kByte)}};
      const double expected = hexadecimal(elements[code]) * hexadecimal(scales[scale]);
      ASSERT_EQ(unpacked(packed)[0][0].item<float>(), static_cast<float>(expected))
          << code << " " << scale;
    }
}

/// Codes may differ in the sign of zero, which E2M1 has twice.
void compare_block(const PackedWeight& packed, const Json& expected) {
  EXPECT_EQ(packed.at("_scale").item<int>(), expected["scale_e8m0"].get<int>());
  for (int i = 0; i < 32; ++i) {
    const int byte = packed.at("_packed")[0][i / 2].item<int>(),
              code = i % 2 ? byte >> 4 : byte & 15;
    const int wanted = expected["codes"][i].get<int>();
    EXPECT_EQ(code, wanted == 8 ? 0 : wanted);
  }
}

TEST(Mxfp4, blocks_equal_another_programs) {
  REQUIRE_DATA("reference/formats/mx_blocks_gfloat.json");
  const Json all = read_json(testing::data_folder() / "reference/formats/mx_blocks_gfloat.json");
  const Format format = parse_format("mxfp4");
  int compared = 0;
  for (const Json& row : all["blocks"]) {
    const Json& expected = row["e2m1"];
    std::vector<float> values;
    for (const Json& value : row["x_hex"])
      values.push_back(static_cast<float>(hexadecimal(value)));
    const Tensor input = block_of(values), scales = format.fit(input);
    SnapCounts counts;
    const PackedWeight packed =
        grid_packing().pack({format.snap(input, scales, counts), scales}, format);
    compare_block(packed, expected);
    ++compared;
  }
  EXPECT_EQ(compared, 55);
}

TEST(Mxfp4, takes_four_bits_and_its_share_of_the_scale) {
  EXPECT_EQ(parse_format("mxfp4").bits(), 4.25);
}

TEST(Mxfp4, candidate_scales_go_up_and_down_and_stay_in_the_range_of_e8m0) {
  const Format format = parse_format("mxfp4");
  EXPECT_EQ(format.candidate_scale(4, 0), 4);
  EXPECT_EQ(format.candidate_scale(4, 1), 8);
  EXPECT_EQ(format.candidate_scale(4, 2), 2);
  EXPECT_EQ(format.candidate_scale(4, 3), 16);
  EXPECT_EQ(format.candidate_scale(std::ldexp(1.0f, -127), 2), std::ldexp(1.0f, -127));
  EXPECT_EQ(format.candidate_scale(std::ldexp(1.0f, 127), 1), std::ldexp(1.0f, 127));
}

} // namespace
} // namespace latticelens
