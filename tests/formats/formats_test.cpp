// Every format against golden vectors (quantization-peers.md §1.8), other programs' blocks, and its
// own bytes.
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "formats/packing.h"
#include "tests/support.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

struct Golden {
  const char* format;
  std::vector<float> input, elements;
  double scale;
};

const std::vector<float> mixed = {1, -0.37f, 0.9f, 0.05f, -1.7f, 0.003f, 0.62f, 1.93f};

const Golden golden[] = {
    {"mxfp6-e2m3", mixed, {4, -1.5f, 3.5f, 0.25f, -7, 0, 2.5f, 7.5f}, 0.25},
    {"mxfp6-e3m2", mixed, {16, -6, 14, 0.75f, -28, 0.0625f, 10, 28}, 0.0625},
    {"mxint8", mixed, {64, -24, 58, 3, -109, 0, 40, 124}, 1.0 / 64},
    {"mxint6", mixed, {16, -6, 14, 1, -27, 0, 10, 31}, 1.0 / 16},
    {"mxint4", mixed, {4, -1, 4, 0, -7, 0, 2, 7}, 0.25},
    {"bint4", mixed, {4, -1, 3, 0, -6, 0, 2, 7}, 0.275634765625},
    {"bfp4", mixed, {3, -1, 3, 0, -6, 0, 2, 6}, 0.32177734375},
    {"int4", mixed, {4, -1, 3, 0, -6, 0, 2, 7}, 1.93f / 7},
    {"mxint4", {1, 0.125f, 0.375f, 0.625f, -0.125f, -0.875f, 1.875f}, {4, 0, 2, 2, 0, -4, 7}, 0.25},
    {"mxint4/away",
     {1, 0.125f, 0.375f, 0.625f, -0.125f, -0.875f, 1.875f},
     {4, 1, 2, 3, -1, -4, 7},
     0.25},
    {"mxint4/ceil", {1.5f}, {3}, 0.5},
};

Tensor row_of(const std::vector<float>& values, std::int64_t length) {
  Tensor row = at::zeros({1, length}, at::kFloat);
  for (std::size_t i = 0; i < values.size(); ++i)
    row[0][static_cast<std::int64_t>(i)] = values[i];
  return row;
}

Tensor snapped(const Format& format, const Tensor& x, const Tensor& scales) {
  SnapCounts counts;
  return format.snap(x, scales, counts);
}

TEST(Formats, golden_vectors) {
  for (const Golden& row : golden) {
    const Format format = parse_format(row.format);
    const Tensor input = row_of(row.input, 32), scales = format.fit(input);
    EXPECT_EQ(scales.item<float>(), static_cast<float>(row.scale)) << row.format;
    EXPECT_TRUE(at::equal(snapped(format, input, scales),
                          row_of(row.elements, 32) * static_cast<float>(row.scale)))
        << row.format << snapped(format, input, scales) / scales;
  }
}

TEST(Formats, nvfp4_scales_blocks_under_one_scale_for_the_tensor) {
  Tensor input = row_of({2, -1, 0.5f, 0.1f}, 32);
  input[0][15] = -0.3f;
  const std::vector<float> second = {0.05f, -0.02f, 0.013f, 0.004f};
  for (int i = 0; i < 4; ++i)
    input[0][16 + i] = second[i];
  const Format format = parse_format("nvfp4").on(input);
  EXPECT_EQ(format.rule.tensor_scale, 1344);
  const Tensor scales = format.fit(input), values = snapped(format, input, scales);
  const PackedWeight packed = grid_packing().pack({values, scales}, format);
  EXPECT_EQ(packed.at("_scale")[0][0].item<int>(), 0x7E);
  EXPECT_EQ(packed.at("_scale")[0][1].item<int>(), 0x53);
  EXPECT_EQ(packed.at("_packed")[0][0].item<int>(), 0xD7);
  EXPECT_EQ(packed.at("_packed")[0][1].item<int>(), 0x13);
  EXPECT_EQ(packed.at("_packed")[0][8].item<int>(), 0xC7);
  EXPECT_EQ(packed.at("_packed")[0][9].item<int>(), 0x13);
  EXPECT_EQ(packed.at("_global_scale").item<float>(), 1344);
  EXPECT_NEAR(values[0][16].item<double>(), 0.0491071, 1e-7);
  const Format either = parse_format("nvfp4/four-over-six").on(input);
  EXPECT_EQ(either.rule.tensor_scale, 768);
  const auto error = [&](const Format& f) {
    return (snapped(f, input, f.fit(input)) - input).slice(1, 16).square().sum().item<double>();
  };
  EXPECT_NEAR(error(either), 1.02e-5, 1e-7);
}

TEST(Formats, integer_activations_have_a_zero_point_a_token) {
  SnapCounts counts;
  const Tensor input = row_of(mixed, 8);
  const Tensor values = parse_format("int4").quantize(input, counts);
  const double scale = (1.93 + 1.7) / 15;
  const std::vector<int> codes = {11, 5, 11, 7, 0, 7, 10, 15};
  for (int i = 0; i < 8; ++i)
    EXPECT_NEAR(values[0][i].item<double>(), (codes[i] - 7) * scale, 1e-6);
  EXPECT_EQ(counts.not_finite, 0);
  const Tensor zeros = at::zeros({2, 8}, at::kFloat);
  EXPECT_TRUE(at::equal(parse_format("int8").quantize(zeros, counts), zeros));
  Tensor broken = at::ones({2, 8}, at::kFloat);
  broken[1][3] = NAN;
  EXPECT_EQ(parse_format("int4").quantize(broken, counts)[0][0].item<float>(), 1);
  EXPECT_EQ(counts.not_finite, 8);
}

std::vector<std::string> every_format() {
  std::vector<std::string> names;
  for (const FormatRow& row : formats())
    names.push_back(row.name);
  for (const char* name :
       {"bint4:16", "bint4:64", "bfp4:128", "bfp4:row", "mxfp4:16", "int4/search", "mxint4/rceil",
        "mxint4/even", "nvfp4/search", "nvfp4/four-over-six", "bint4/search", "mxfp8-e4m3/rceil",
        "mxfp6-e2m3/search"})
    names.push_back(name);
  return names;
}

TEST(Formats, bytes_of_every_format_decode_to_its_values) {
  at::manual_seed(3);
  for (const std::string& name : every_format())
    for (const std::int64_t columns : {128, 256}) {
      Tensor weight = at::randn({6, columns}, at::kFloat);
      weight[1] *= 1e-4;
      weight[2] *= 1e5;
      weight[3] = 0;
      weight[4].slice(0, 0, 1) = 300;
      const Format format = parse_format(name).on(weight);
      const Tensor scales = format.fit(weight), values = snapped(format, weight, scales);
      const PackedWeight packed = grid_packing().pack({values, scales}, format);
      const UnpackedWeight back =
          grid_packing().unpack(parts_of(packed), parse_format(name), "test");
      EXPECT_TRUE(at::equal(back.values, values)) << name;
      EXPECT_TRUE(at::equal(back.scales, scales)) << name;
      EXPECT_EQ(packed.at("_packed").numel() * 8, weight.numel() * format.code_bits()) << name;
      // What is representable stays as it is.
      EXPECT_TRUE(at::equal(snapped(format, values, scales), values)) << name;
      EXPECT_EQ(parse_format(parse_format(name).name).name, parse_format(name).name);
    }
}

TEST(Formats, activations_of_a_token_do_not_depend_on_its_neighbours) {
  at::manual_seed(4);
  const Tensor x = at::randn({3, 5, 128}, at::kFloat) * at::randn({5, 1}).exp();
  for (const std::string& name : every_format()) {
    const Format format = parse_format(name);
    SnapCounts counts;
    const Tensor all = format.quantize(x, counts);
    EXPECT_TRUE(at::equal(format.quantize(x[1][2], counts), all[1][2])) << name;
    EXPECT_LT((all - x).square().sum().item<double>(), 0.1 * x.square().sum().item<double>())
        << name;
  }
}

TEST(Formats, searched_scales_have_no_larger_error) {
  at::manual_seed(5);
  const Tensor x = at::randn({16, 256}, at::kFloat);
  const auto error = [&](const std::string& name) {
    const Format format = parse_format(name).on(x);
    return (snapped(format, x, format.fit(x)) - x).square().sum().item<double>();
  };
  for (const FormatRow& row : formats())
    EXPECT_LE(error(std::string(row.name) + "/search"), error(row.name) * (1 + 1e-6)) << row.name;
  EXPECT_LT(error("nvfp4/four-over-six"), error("nvfp4"));
}

TEST(Formats, damaged_parts_are_errors) {
  at::manual_seed(6);
  const Tensor weight = at::randn({2, 64}, at::kFloat);
  const auto packed_as = [&](const char* name) {
    const Format format = parse_format(name).on(weight);
    const Tensor scales = format.fit(weight);
    return grid_packing().pack({snapped(format, weight, scales), scales}, format);
  };
  const auto unpack = [](const PackedWeight& packed, const char* name) {
    return grid_packing().unpack(parts_of(packed), parse_format(name), "w");
  };
  PackedWeight packed = packed_as("nvfp4");
  packed["_global_scale"] = at::zeros({1}, at::kFloat);
  EXPECT_ERROR(unpack(packed, "nvfp4"), "_global_scale");
  packed = packed_as("nvfp4");
  packed["_scale"] = at::full({2, 4}, 0x7F, at::kByte);
  EXPECT_ERROR(unpack(packed, "nvfp4"), "NaN");
  packed = packed_as("mxfp8-e4m3");
  packed["_packed"].fill_(0x7F);
  EXPECT_ERROR(unpack(packed, "mxfp8-e4m3"), "a code that mxfp8-e4m3 does not have");
  packed = packed_as("mxint4");
  packed["_packed"].fill_(0x88);
  EXPECT_ERROR(unpack(packed, "mxint4"), "does not have");
  EXPECT_ERROR(unpack(packed_as("bfp4"), "mxfp4"), "of another type");
  for (const char* name : {"bfp4", "int4"}) {
    packed = packed_as(name);
    packed["_scale"].view({-1})[1] = NAN;
    EXPECT_ERROR(unpack(packed, name), "no positive number");
  }
  packed = packed_as("mxint4");
  packed.erase("_packed");
  EXPECT_ERROR(unpack(packed, "mxint4"), "do not fit together");
  EXPECT_ERROR(parse_format("bint4:24"), "a power of two");
  EXPECT_ERROR(parse_format("bint4:x"), "is no number");
  EXPECT_ERROR(parse_format("bint4/even"), "is not bound to");
  EXPECT_ERROR(parse_format("mxfp4/maximum"), "no powers of two");
  EXPECT_ERROR(parse_format("bfp4/four-over-six"), "nvfp4 only");
  EXPECT_ERROR(parse_format("mxint4/7.25"), "mxfp4 only");
}

TEST(Formats, huffman_and_sparse_parts_decode_to_their_values) {
  at::manual_seed(7);
  const Format format = parse_format("mxfp4");
  const Tensor integers = at::round(at::randn({5, 64}) * 4);
  const UnpackedWeight coded{integers * 0.3f, at::full({5, 2}, 0.3f)};
  PackedWeight packed = huffman_packing().pack(coded, format);
  UnpackedWeight back = huffman_packing().unpack(parts_of(packed), format, "w");
  EXPECT_LT((back.values - coded.values).abs().max().item<double>(), 1e-6);
  EXPECT_TRUE(at::equal(back.scales, coded.scales));
  packed["_huffman"] = packed["_huffman"].slice(0, 0, 10);
  EXPECT_ERROR(huffman_packing().unpack(parts_of(packed), format, "w"), "damaged");

  for (const char* name : {"mxfp4", "bint4", "nvfp4"}) {
    const Tensor weight = at::randn({4, 64}, at::kFloat);
    const Format used = parse_format(name).on(weight);
    const Tensor scales = used.fit(weight) * at::full({4, 1}, 0.7f);
    UnpackedWeight sparse{snapped(used, weight, scales), scales};
    sparse.values[2][5] = 123.25f;
    packed = sparse_packing().pack(sparse, used);
    EXPECT_EQ(packed.at("_outlier").numel(), 1);
    back = sparse_packing().unpack(parts_of(packed), parse_format(name), "w");
    EXPECT_TRUE(at::equal(back.values, sparse.values)) << name;
    packed["_outlier_place"] += 1000;
    EXPECT_ERROR(sparse_packing().unpack(parts_of(packed), parse_format(name), "w"), "damaged");
  }
}

double hexadecimal(const Json& value) {
  return std::strtod(value.get<std::string>().c_str(), nullptr);
}

constexpr std::pair<const char*, const char*> published[] = {
    {"mxfp8-e4m3", "e4m3"}, {"mxfp6-e2m3", "e2m3"}, {"mxfp6-e3m2", "e3m2"}, {"mxint8", "int8"}};

TEST(Formats, blocks_equal_another_programs) {
  REQUIRE_DATA("reference/formats/mx_blocks_gfloat.json");
  const Json all = read_json(testing::data_folder() / "reference/formats/mx_blocks_gfloat.json");
  for (const auto& [ours, theirs] : published)
    for (const Json& row : all["blocks"]) {
      if (row[theirs]["scale_e8m0"] < 6 && std::string(theirs) == "int8")
        continue; // steps below 2^-127 are not used here
      const Format format = parse_format(ours);
      std::vector<float> values;
      for (const Json& value : row["x_hex"])
        values.push_back(static_cast<float>(hexadecimal(value)));
      const Tensor input = row_of(values, 32), scales = format.fit(input);
      const Tensor snap = snapped(format, input, scales);
      const PackedWeight packed = grid_packing().pack({snap, scales}, format);
      EXPECT_EQ(packed.at("_scale").item<int>(), row[theirs]["scale_e8m0"].get<int>()) << ours;
      for (int i = 0; i < 32; ++i)
        EXPECT_EQ(snap[0][i].item<double>(), hexadecimal(row[theirs]["dequant_hex"][i]))
            << ours << " " << i;
    }
}

TEST(Formats, codes_stand_for_the_published_values) {
  REQUIRE_DATA("reference/formats/ocp_decode_tables.json");
  const Json tables =
      read_json(testing::data_folder() / "reference/formats/ocp_decode_tables.json");
  for (const auto& [ours, theirs] : published) {
    const Format format = parse_format(ours);
    const Json& values = tables[theirs]["values_hexfloat"];
    const double unit = std::string(theirs) == "int8" ? 64 : 1; // ours counts in sixty-fourths
    int compared = 0;
    for (std::size_t code = 0; code < values.size(); ++code) {
      const double wanted = hexadecimal(values[code]) * unit;
      if (!std::isfinite(wanted) || std::fabs(wanted) > format.grid.maximum)
        continue;             // NaN, and INT8's -2
      std::uint32_t word = 0; // four codes of 6 bits fill 24
      const int bits = format.code_bits();
      for (int i = 0; i < 4; ++i)
        word |= bits == 6 ? static_cast<std::uint32_t>(code) << 6 * i : 0;
      Tensor packed = at::zeros({1, 32 * bits / 8}, at::kByte);
      for (std::int64_t i = 0; i < packed.size(1); ++i)
        packed[0][i] = static_cast<int>(bits == 6 ? word >> 8 * (i % 3) & 255 : code);
      const int one = 127 + (unit == 64 ? 6 : 0); // the scale byte of steps of 1
      const PackedWeight parts{{"_packed", packed}, {"_scale", at::full({1, 1}, one, at::kByte)}};
      const Tensor decoded = grid_packing().unpack(parts_of(parts), format, "w").values;
      EXPECT_TRUE(at::equal(decoded, at::full({1, 32}, wanted, at::kFloat))) << ours << code;
      ++compared;
    }
    EXPECT_GE(compared, 63);
  }
}

TEST(Formats, errors_on_real_weights_are_those_of_another_program) {
  REQUIRE_DATA("reference/ggml-quant/input.f32");
  const MappedFile file(testing::data_folder() / "reference/ggml-quant/input.f32");
  const Tensor weight = at::empty({192, 256}, at::kFloat);
  ASSERT_EQ(file.bytes().size(), weight.nbytes());
  std::memcpy(weight.mutable_data_ptr(), file.bytes().data(), weight.nbytes());
  const std::pair<const char*, double> published_errors[] = {{"mxfp4", 0.0134166851},
                                                             {"nvfp4", 0.0090917253}};
  for (const auto& [name, wanted] : published_errors) {
    const Format format = parse_format(name).on(weight);
    const double error =
        (snapped(format, weight, format.fit(weight)) - weight).square().sum().item<double>() /
        weight.square().sum().item<double>();
    EXPECT_NEAR(error / wanted, 1, 0.03) << name; // other ties; no scale for the tensor in ggml
  }
}

} // namespace
} // namespace latticelens
