#include "formats/packed_linear.h"

#include "core/error.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

Tensor quantized(const Tensor& x, const char* format = "mxfp4") {
  SnapCounts counts;
  return parse_format(format).quantize(x, counts);
}

TEST(PackedLinear, encoded_rows_hold_what_the_format_quantizes_to) {
  at::manual_seed(1);
  for (const char* name : {"mxfp4", "mxfp4/even", "mxfp4/away", "mxfp4/7.25"}) {
    const Format format = parse_format(name);
    ASSERT_TRUE(has_encoded_rows(format)) << name;
    Tensor x = at::randn({2, 7, 96}) * at::randn({2, 7, 96}).exp();
    x[1][3][40] = NAN;
    SnapCounts counts, wanted;
    const Tensor expected = format.quantize(x, wanted);
    EXPECT_TRUE(at::equal(decode_rows(encode_rows(x, format, counts)).nan_to_num(99),
                          expected.nan_to_num(99)));
    EXPECT_EQ(counts.clipped, wanted.clipped);
    EXPECT_EQ(counts.not_finite, wanted.not_finite);
  }
  for (const char* name : {"nvfp4", "mxint4", "mxfp8-e4m3", "bint4:32", "mxfp4:64", "bfp4"})
    EXPECT_FALSE(has_encoded_rows(parse_format(name))) << name;
}

TEST(PackedLinear, equals_the_product_in_fp32) {
  at::manual_seed(1);
  const Format format = parse_format("mxfp4");
  for (const std::int64_t out : {1, 48, 100})
    for (const std::int64_t in : {32, 576})
      for (const std::int64_t rows : {1, 130}) {
        const Tensor weight = quantized(at::randn({out, in}) / 8), x = at::randn({1, rows, in}),
                     bias = rows > 1 ? at::randn({out}) : Tensor();
        const auto packed = PackedMatrix::of(weight);
        ASSERT_TRUE(packed);
        SnapCounts counts;
        const Tensor y = linear_of(encode_rows(x, format, counts), *packed, bias),
                     wanted = at::linear(quantized(x), weight, bias);
        ASSERT_EQ(y.sizes(), wanted.sizes());
        EXPECT_LT((y - wanted).abs().max().item<double>(), 2e-5);
      }
}

TEST(PackedLinear, takes_a_weight_on_the_grid_with_any_scales_and_no_other) {
  at::manual_seed(1);
  const Tensor weight = at::randn({50, 64}) / 8;
  SnapCounts counts;
  const Format format = parse_format("mxfp4");
  for (const float factor : {0.25f, 0.5f, 1.0f, 2.0f, 8.0f})
    EXPECT_TRUE(PackedMatrix::of(format.snap(weight, format.fit(weight) * factor, counts)));
  EXPECT_TRUE(PackedMatrix::of(at::zeros({50, 64})));
  EXPECT_FALSE(PackedMatrix::of(weight));
  EXPECT_FALSE(PackedMatrix::of(quantized(weight, "nvfp4")));
  EXPECT_FALSE(PackedMatrix::of(quantized(weight) * 0x1p20f)); // its scales could overflow
  EXPECT_FALSE(PackedMatrix::of(at::zeros({50, 48})));
  EXPECT_FALSE(PackedMatrix::of(at::full({50, 64}, NAN)));
}

TEST(PackedLinear, a_stored_weight_is_packed_as_its_values_are) {
  at::manual_seed(1);
  const Format format = parse_format("mxfp4");
  for (const std::int64_t out : {1, 48, 100})
    for (const std::int64_t in : {32, 96, 576}) {
      UnpackedWeight weight{at::randn({out, in}) * at::randn({out, 1}).exp() / 8, {}};
      weight.scales = format.fit(weight.values);
      SnapCounts counts;
      weight.values = format.snap(weight.values, weight.scales, counts);
      const PackedWeight stored = grid_packing().pack(weight, format);
      const auto packed = PackedMatrix::of(parts_of(stored));
      ASSERT_TRUE(packed) << out << " x " << in;
      EXPECT_TRUE(at::equal(packed->values(), weight.values)) << out << " x " << in;
      EXPECT_TRUE(at::equal(PackedMatrix::of(weight.values)->values(), weight.values));
    }
}

TEST(PackedLinear, every_stored_code_and_scale_is_its_value_and_damaged_parts_are_none) {
  PackedWeight stored{{"_packed", at::arange(256, at::kByte).view({16, 16})},
                      {"_scale", at::arange(114, 130, at::kByte).view({16, 1})}};
  const auto packed = PackedMatrix::of(parts_of(stored));
  ASSERT_TRUE(packed);
  const Tensor wanted =
      grid_packing().unpack(parts_of(stored), parse_format("mxfp4"), "here").values;
  EXPECT_TRUE(at::equal(packed->values(), wanted));
  stored["_scale"][3][0] = 130; // too large for a product of two scales
  EXPECT_FALSE(PackedMatrix::of(parts_of(stored)));
  stored["_scale"] = at::full({15, 1}, 127, at::kByte);
  EXPECT_FALSE(PackedMatrix::of(parts_of(stored)));
  stored.erase("_scale");
  EXPECT_FALSE(PackedMatrix::of(parts_of(stored)));
}

TEST(PackedLinear, refuses_rows_of_another_size) {
  SnapCounts counts;
  const auto packed = PackedMatrix::of(at::zeros({50, 64}));
  EXPECT_ERROR(
      linear_of(encode_rows(at::zeros({2, 96}), parse_format("mxfp4"), counts), *packed, Tensor()),
      "encoded rows of 96 columns");
  EXPECT_ERROR(encode_rows(at::zeros({2, 48}), parse_format("mxfp4"), counts), "multiple");
}

TEST(PackedLinear, gives_the_same_bytes_at_any_thread_count) {
  at::manual_seed(1);
  const Tensor x = at::randn({300, 576});
  const auto packed = PackedMatrix::of(quantized(at::randn({200, 576}) / 8));
  const int before = at::get_num_threads();
  const auto run = [&](int threads) {
    at::set_num_threads(threads);
    SnapCounts counts;
    return linear_of(encode_rows(x, parse_format("mxfp4"), counts), *packed, Tensor());
  };
  const Tensor one = run(1), two = run(2);
  EXPECT_TRUE(at::equal(one, two));
  at::set_num_threads(before);
}

} // namespace
} // namespace latticelens
