// Scales found again from values alone.
#include "formats/packing.h"
#include "formats/scales_on_grid.h"
#include "tests/support.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

TEST(ScalesOnGrid, every_format_finds_scales_that_give_its_values_back) {
  at::manual_seed(12);
  for (const FormatRow& row : formats())
    for (const double size : {1e-6, 1.0, 3e4}) {
      const Tensor weight = at::randn({7, 128}, at::kFloat) * size;
      Tensor with_zeros = weight.clone();
      with_zeros.slice(1, 32, 64).zero_();
      const Format format = parse_format(row.name).on(with_zeros);
      SnapCounts counts;
      const Tensor values = format.snap(with_zeros, format.fit(with_zeros), counts);
      const auto scales = scales_on_grid(values, format);
      ASSERT_TRUE(scales) << row.name << size;
      EXPECT_TRUE(at::equal(format.snap(values, *scales, counts), values)) << row.name << size;
    }
}

TEST(ScalesOnGrid, values_between_the_codes_have_none) {
  at::manual_seed(13);
  const Tensor weight = at::randn({2, 64}, at::kFloat);
  for (const FormatRow& row : formats())
    EXPECT_FALSE(scales_on_grid(weight, parse_format(row.name).on(weight))) << row.name;
  EXPECT_FALSE(scales_on_grid(at::full({1, 32}, NAN), parse_format("mxfp4")));
}

TEST(ScalesOnGrid, integers_may_have_the_code_below_their_grid) {
  const Format format = parse_format("bint4");
  const Tensor values = at::arange(-8, 24, at::kFloat).clamp(-8, 7).mul(0.5).unsqueeze(0);
  const auto scales = scales_on_grid(values, format);
  ASSERT_TRUE(scales);
  EXPECT_EQ(scales->item<float>(), 0.5f);
  const PackedWeight parts = integer_packing().pack({values, *scales}, format);
  EXPECT_TRUE(at::equal(integer_packing().unpack(parts_of(parts), format, "w").values, values));
  const auto negative = scales_on_grid(-values, format);
  ASSERT_TRUE(negative);
  EXPECT_EQ(negative->item<float>(), -0.5f);
}

} // namespace
} // namespace latticelens
