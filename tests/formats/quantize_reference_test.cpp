#include "formats/quantize_reference.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <limits>

namespace latticelens {
namespace {

/// Every format with every scale rule and both ties, as far as they go together.
std::vector<Format> all_variants() {
  std::vector<Format> all;
  const auto add = [&](const std::string& name) {
    try {
      all.push_back(parse_format(name));
    } catch (const Error&) { // this rule is for other formats
    }
  };
  for (const FormatRow& row : formats()) {
    const std::string name = row.name;
    for (const std::string ties : {"", "/away"}) {
      add(name + ties);
      for (const ScaleRuleRow& rule : scale_rules())
        add(name + "/" + rule.name + ties);
    }
    add(name + "/token");
  }
  return all;
}

/// Of every size that fp32 has, with zeros, and with rows that are zero, tiny, huge or broken.
Tensor values_of_all_sizes() {
  at::manual_seed(5);
  Tensor x = at::randn({24, 256}, at::kFloat);
  x = x * at::pow(10.0, at::randint(-6, 6, {24, 1}, at::kFloat));
  x.masked_fill_(at::rand({24, 256}) < 0.1, 0);
  x[3] = 0;
  x[4] *= 1e-38;
  x[5] = x[5].sign() * 3e38;
  x[6][9] = std::numeric_limits<float>::quiet_NaN();
  x[7][200] = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < 256; ++i) // half-way cases of many grids
    x[8][i] = static_cast<float>(i - 128) / 64;
  return x;
}

TEST(QuantizeReference, gives_the_kernels_values_and_counts_for_every_format) {
  const Tensor all = values_of_all_sizes(),
               without_half_ways = at::cat({all.slice(0, 0, 8), all.slice(0, 9)});
  const std::vector<Format> variants = all_variants();
  EXPECT_GT(variants.size(), 2 * formats().size());
  for (const Format& format : variants) {
    // There two multiples of a scale have the same error, and the order of its sum decides.
    const Tensor& x = format.rule.multipliers.empty() ? all : without_half_ways;
    SnapCounts wanted, counts;
    const Tensor expected = format.quantize(x, wanted),
                 actual = reference::quantize(format, x, counts);
    EXPECT_TRUE(at::allclose(actual, expected, 0, 0, /*equal_nan=*/true))
        << format.name << ": " << (actual != expected).sum().item<std::int64_t>() << " differ";
    EXPECT_EQ(counts.clipped, wanted.clipped) << format.name;
    EXPECT_EQ(counts.not_finite, wanted.not_finite) << format.name;
  }
}

TEST(QuantizeReference, takes_blocks_of_whole_rows_and_shapes_of_any_dimension) {
  const Tensor x = values_of_all_sizes().slice(0, 8, 24).view({2, 8, 256});
  for (const char* name : {"bint4:128", "int8", "bint8:64", "bint4:row", "mxfp4:16"}) {
    const Format format = parse_format(name);
    SnapCounts wanted, counts;
    EXPECT_TRUE(at::equal(reference::quantize(format, x, counts), format.quantize(x, wanted)))
        << name;
  }
}

} // namespace
} // namespace latticelens
