#include "formats/huffman.h"

#include "core/error.h"
#include "tests/support.h"
#include <cmath>
#include <map>
#include <random>

namespace latticelens {
namespace {

double entropy(const std::vector<std::int32_t>& values) {
  std::map<std::int32_t, double> counts;
  for (const std::int32_t value : values)
    ++counts[value];
  double bits = 0;
  for (const auto& [symbol, count] : counts)
    bits -= count * std::log2(count / static_cast<double>(values.size()));
  return bits;
}

TEST(Huffman, decodes_what_it_encodes_within_a_bit_a_symbol_of_the_entropy) {
  std::mt19937 random(1);
  for (const double spread : {0.3, 2.0, 40.0}) {
    std::normal_distribution<double> normal(0, spread);
    std::vector<std::int32_t> values(5000);
    for (std::int32_t& value : values)
      value = static_cast<std::int32_t>(std::lround(normal(random)));
    const HuffmanCode code = encode_huffman(values);
    EXPECT_EQ(decode_huffman(code, "test"), values);
    EXPECT_GE(code.stream_bits, entropy(values) - 1e-6);
    EXPECT_LE(code.stream_bits, entropy(values) + 5000);
    EXPECT_EQ(huffman_bits(values), code.bits());
    EXPECT_EQ(code.bits(), code.stream_bits + 40 * static_cast<std::int64_t>(code.symbols.size()));
  }
}

TEST(Huffman, takes_one_symbol_none_and_extreme_ones) {
  for (const std::vector<std::int32_t>& values :
       {std::vector<std::int32_t>{}, {7}, {7, 7, 7}, {INT32_MIN, INT32_MAX, 0}})
    EXPECT_EQ(decode_huffman(encode_huffman(values), "test"), values);
  EXPECT_EQ(encode_huffman({7, 7, 7}).stream_bits, 3);
}

TEST(Huffman, damaged_codes_are_errors) {
  const HuffmanCode good = encode_huffman({1, 2, 2, 3, 3, 3, 3});
  const auto broken = [&](auto&& change) {
    HuffmanCode code = good;
    change(code);
    return code;
  };
  EXPECT_ERROR(decode_huffman(broken([](auto& c) { c.stream.clear(); }), "f"),
               "shorter than it says");
  EXPECT_ERROR(decode_huffman(broken([](auto& c) { c.stream_bits -= 1; }), "f"), "damaged");
  EXPECT_ERROR(decode_huffman(broken([](auto& c) { c.count += 1; }), "f"), "damaged");
  EXPECT_ERROR(decode_huffman(broken([](auto& c) { c.count -= 1; }), "f"), "goes on after");
  EXPECT_ERROR(decode_huffman(broken([](auto& c) { c.lengths[0] = 0; }), "f"), "no canonical code");
  EXPECT_ERROR(decode_huffman(broken([](auto& c) { c.lengths = {1, 1, 1}; }), "f"), "more codes");
  EXPECT_ERROR(decode_huffman(broken([](auto& c) { c.count = INT64_MAX; }), "f"), "shorter");
}

} // namespace
} // namespace latticelens
