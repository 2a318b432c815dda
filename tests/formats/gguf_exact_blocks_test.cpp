// Blocks of values that are codes already, read back by the decoders.
#include "formats/gguf_exact_blocks.h"

#include "core/error.h"
#include "formats/packing.h"
#include "tensor/gguf.h"
#include "tests/support.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

Tensor decoded(const BlockType& type, const Tensor& bytes, const Tensor& like) {
  return decode_blocks(type,
                       {static_cast<const std::byte*>(bytes.const_data_ptr()),
                        static_cast<std::size_t>(bytes.numel())},
                       like.sizes().vec());
}

TEST(GgufExactBlocks, scales_that_no_encoder_would_choose_are_kept) {
  at::manual_seed(14);
  for (const char* name : {"MXFP4", "NVFP4", "Q4_0", "Q8_0"}) {
    const BlockType& type = *find_block_type(std::string_view(name));
    Format format = *format_of_gguf_type(name);
    EXPECT_EQ(gguf_type_of(format), name);
    format.rule.tensor_scale = 1;
    const Tensor weight = at::randn({5, 128}, at::kFloat);
    SnapCounts counts;
    const Tensor scales = format.fit(weight) * (format.rule.scale_grid ? 0.75f : 0.5f);
    const Tensor kept = format.rule.scale_grid ? scales.to(at::kHalf).to(at::kFloat) : scales;
    Tensor steps = kept;
    if (std::string(name) == "NVFP4")
      steps = kept.to(at::kFloat8_e4m3fn).to(at::kFloat);
    const Tensor values = format.snap(weight, steps, counts);
    const Tensor bytes = exact_blocks(type, values, 1);
    ASSERT_TRUE(bytes.defined()) << name;
    EXPECT_TRUE(at::equal(decoded(type, bytes, values), values)) << name;
    EXPECT_FALSE(exact_blocks(type, weight, 1).defined()) << name;
  }
}

TEST(GgufExactBlocks, packed_codes_become_blocks_of_the_same_values) {
  at::manual_seed(15);
  const Format format = parse_format("mxfp4/7.25");
  const Tensor weight = at::randn({7, 96}, at::kFloat), scales = format.fit(weight);
  SnapCounts counts;
  const Tensor values = format.snap(weight, scales, counts);
  PackedWeight parts = grid_packing().pack({values, scales}, format);
  const BlockType& type = *find_block_type(std::string_view("MXFP4"));
  EXPECT_TRUE(at::equal(
      decoded(type, mxfp4_blocks(parts.at("_packed"), parts.at("_scale")), values), values));
  EXPECT_ERROR(mxfp4_blocks(parts.at("_packed").slice(1, 0, 16), parts.at("_scale")),
               "do not fit together");
  parts.at("_scale")[3][1] = 255;
  EXPECT_ERROR(mxfp4_blocks(parts.at("_packed"), parts.at("_scale")), "NaN");
}

TEST(GgufExactBlocks, types_without_codes_of_a_format_have_none) {
  const BlockType& type = *find_block_type(std::string_view("Q4_K"));
  EXPECT_FALSE(exact_blocks(type, at::zeros({1, 256}, at::kFloat), 1).defined());
  EXPECT_EQ(gguf_type_of(parse_format("int4")), "");
}

} // namespace
} // namespace latticelens
