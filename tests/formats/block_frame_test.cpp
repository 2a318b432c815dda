// GGUF's types as formats: values, bytes and their decoder agree.
#include "formats/block_frame.h"

#include "core/error.h"
#include "formats/packing.h"
#include "tensor/gguf_blocks.h"
#include "tensor/gguf_codes.h"
#include "tests/support.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

Tensor weight_of(std::int64_t width) {
  at::manual_seed(3);
  Tensor weight = at::randn({6, width}, at::kFloat);
  weight[1] *= 1e-3;
  weight[3] = 0;                    // blocks whose scale is zero
  weight[4].slice(0, 0, 32) = 0.25; // an affine block without a range
  weight[5] = weight[5].abs() + 1;  // no value near zero
  return weight;
}

TEST(BlockFrame, the_decoder_gives_the_rounded_values) {
  for (const FormatRow& row : coded_formats())
    for (const std::int64_t width : {256, 288})
      for (const bool weighted : {false, true}) {
        const Tensor weight = weight_of(width);
        const Format format = row.make().on(weight, weighted ? at::rand({width}) : Tensor());
        SnapCounts counts;
        const Tensor values = format.snap(weight, format.fit(weight), counts);
        const PackedWeight packed = coded_packing().pack({values, format.frame->scales}, format);
        const UnpackedWeight back =
            coded_packing().unpack(parts_of(packed), parse_format(row.name), "test");
        EXPECT_TRUE(at::equal(back.values, values)) << row.name << " " << width;
        EXPECT_TRUE(at::equal(back.scales, format.frame->scales)) << row.name;
        EXPECT_EQ(packed.at("_blocks").numel() * 8,
                  std::llround(format.bits() * static_cast<double>(weight.numel())))
            << row.name;
        EXPECT_LT((values - weight).square().sum().item<double>(),
                  0.02 * weight.square().sum().item<double>())
            << row.name;
      }
}

/// Without an importance the scales are those of ggml's quantizer, so the nearest codes differ from
/// its own only where it divides by a scale that is not yet rounded to fp16.
TEST(BlockFrame, nearest_codes_are_nearly_ggmls) {
  for (const FormatRow& row : coded_formats()) {
    Tensor weight = weight_of(512);
    weight[3] = weight[0]; // any code does for a scale of zero
    const Format format = row.make().on(weight);
    SnapCounts counts;
    const Tensor values = format.snap(weight, format.fit(weight), counts);
    const PackedWeight packed = coded_packing().pack({values, format.frame->scales}, format);
    const double differing =
        (packed.at("_blocks") != format.frame->bytes).to(at::kDouble).mean().item<double>();
    EXPECT_LT(differing, 0.02) << row.name;
  }
}

TEST(BlockFrame, rows_of_a_weight_have_their_part_of_the_frame) {
  const Tensor weight = weight_of(256);
  for (const FormatRow& row : coded_formats()) {
    const Format whole = row.make().on(weight), part = whole.of_rows(2, 5);
    SnapCounts counts;
    EXPECT_TRUE(at::equal(part.snap(weight.slice(0, 2, 5), part.frame->scales, counts),
                          whole.snap(weight, whole.frame->scales, counts).slice(0, 2, 5)))
        << row.name;
  }
}

TEST(BlockFrame, rows_that_are_no_superblocks_take_a_smaller_type) {
  const Tensor weight = weight_of(288);
  EXPECT_STREQ(parse_format("q4_k").on(weight).coded->name, "Q5_0");
  EXPECT_STREQ(parse_format("q5_k").on(weight).coded->name, "Q5_1");
  EXPECT_STREQ(parse_format("q6_k").on(weight).coded->name, "Q8_0");
  EXPECT_ERROR(parse_format("q4_0").on(at::randn({2, 40})), "no whole blocks");
}

TEST(BlockFrame, names_take_no_options_and_damaged_parts_are_errors) {
  EXPECT_ERROR(parse_format("q4_0:64"), "without more");
  EXPECT_ERROR(parse_format("q4_0/search"), "without more");
  EXPECT_ERROR(parse_format("q9_0"), "iq4_nl");
  const Tensor weight = weight_of(256);
  const Format format = parse_format("q4_0").on(weight);
  SnapCounts counts;
  PackedWeight packed = coded_packing().pack(
      {format.snap(weight, format.frame->scales, counts), format.frame->scales}, format);
  const auto unpack = [&] { coded_packing().unpack(parts_of(packed), format, "here"); };
  for (const std::int64_t wrong : {-1, 0, 10, 39, 1000}) {
    packed["_type"] = at::tensor({wrong});
    EXPECT_ERROR(unpack(), "here: _type");
  }
  packed["_type"] = at::tensor({std::int64_t{12}}); // 144 bytes of 256 values
  packed["_blocks"] = packed["_blocks"].slice(1, 0, 100);
  EXPECT_ERROR(unpack(), "no whole blocks of Q4_K");
  packed.erase("_blocks");
  EXPECT_ERROR(unpack(), "lacks _blocks");
}

} // namespace
} // namespace latticelens
