// Parts as compressed-tensors has them: bytes that its release 0.20.0 wrote, and every format there
// and back.
#include "core/error.h"
#include "formats/packing.h"
#include "tests/support.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

struct Stored {
  const char* format;
  const Packing& (*packing)();
};

constexpr Stored stored[] = {{"nvfp4", nvfp4_packing},        {"int4", integer_packing},
                             {"bint4:32", integer_packing},   {"int8", integer_packing},
                             {"mxfp8-e4m3", element_packing}, {"int8", element_packing}};

UnpackedWeight rounded(const Format& format, const Tensor& weight) {
  const Tensor scales = format.fit(weight);
  SnapCounts counts;
  return {format.snap(weight, scales, counts), scales};
}

TEST(PublishedPackings, what_is_packed_comes_back_and_grids_are_read_too) {
  at::manual_seed(11);
  for (const auto& [name, packing] : stored)
    for (const std::int64_t columns : {32, 96, 256}) {
      const Tensor weight = at::randn({5, columns}, at::kFloat);
      const Format format = parse_format(name).on(weight);
      const UnpackedWeight wanted = rounded(format, weight);
      for (const Packing* wrote : {&packing(), &grid_packing()}) {
        const PackedWeight parts = wrote->pack(wanted, format);
        const UnpackedWeight back = packing().unpack(parts_of(parts), parse_format(name), "w");
        EXPECT_TRUE(at::equal(back.values, wanted.values)) << name << wrote->name;
        EXPECT_TRUE(at::equal(back.scales, wanted.scales)) << name << wrote->name;
      }
    }
}

/// Ten integers of a row with the scale 1.
UnpackedWeight integers(const std::vector<float>& values) {
  return {at::tensor(values).unsqueeze(0), at::ones({1, 1})};
}

TEST(PublishedPackings, integers_fill_words_as_another_program_fills_them) {
  Format format = parse_format("int4");
  Tensor words =
      integer_packing().pack(integers({-7, -7, -1, 0, 1, 7, 3, -4, 5, 6}), format).at("_packed");
  EXPECT_TRUE(at::equal(words, at::tensor({1274644241, 237}, at::kInt).unsqueeze(0))) << words;
  format = parse_format("int8");
  words = integer_packing().pack(integers({-127, -127, -1, 0, 1, 127}), format).at("_packed");
  EXPECT_TRUE(at::equal(words, at::tensor({-2139160319, 65409}, at::kInt).unsqueeze(0))) << words;
}

TEST(PublishedPackings, reads_the_lowest_code_and_every_float_scale) {
  const PackedWeight parts = {{"_packed", at::tensor({1274644240, 237}, at::kInt).unsqueeze(0)},
                              {"_scale", at::full({1, 1}, 0.5, at::kBFloat16)},
                              {"_shape", at::tensor({1, 10}, at::kLong)}};
  const UnpackedWeight read = integer_packing().unpack(parts_of(parts), parse_format("int4"), "w");
  EXPECT_TRUE(at::equal(
      read.values,
      at::tensor({-8.f, -7.f, -1.f, 0.f, 1.f, 7.f, 3.f, -4.f, 5.f, 6.f}).mul(0.5).unsqueeze(0)));
}

TEST(PublishedPackings, damaged_parts_are_errors) {
  const Tensor weight = at::randn({2, 64}, at::kFloat);
  for (const auto& [name, packing] : stored) {
    const Format format = parse_format(name).on(weight);
    const PackedWeight whole = packing().pack(rounded(format, weight), format);
    for (const auto& [end, part] : whole) {
      PackedWeight damaged = whole;
      damaged.erase(end);
      EXPECT_ERROR(packing().unpack(parts_of(damaged), parse_format(name), "w"), "w: ");
      damaged[end] = part.flatten().slice(0, 0, part.numel() / 2);
      EXPECT_ERROR(packing().unpack(parts_of(damaged), parse_format(name), "w"), "w: ");
    }
  }
  PackedWeight lying = integer_packing().pack(rounded(parse_format("int4").on(weight), weight),
                                              parse_format("int4").on(weight));
  for (const std::int64_t columns : {std::int64_t{-8}, std::int64_t{0}, std::int64_t{1} << 62}) {
    lying["_shape"] = at::tensor({std::int64_t{2}, columns}, at::kLong);
    EXPECT_ERROR(integer_packing().unpack(parts_of(lying), parse_format("int4"), "w"),
                 "do not fit together");
  }
}

} // namespace
} // namespace latticelens
