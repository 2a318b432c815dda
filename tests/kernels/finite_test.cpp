#include "kernels/finite.h"

#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace latticelens {
namespace {

TEST(Finite, one_infinity_or_nan_is_found_at_any_place) {
  for (std::size_t length = 0; length < 150; ++length) {
    std::vector<float> values(length, std::numeric_limits<float>::max());
    std::vector<std::uint16_t> halves(length, 0xfbff), brains(length, 0xff7f);
    EXPECT_TRUE(all_finite(values));
    EXPECT_TRUE(all_finite(halves, 0x7c00));
    EXPECT_TRUE(all_finite(brains, 0x7f80));
    for (std::size_t place = 0; place < length; ++place) {
      for (const float wrong :
           {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
            std::numeric_limits<float>::quiet_NaN()}) {
        values[place] = wrong;
        EXPECT_FALSE(all_finite(values));
      }
      values[place] = -1;
      for (const std::uint16_t wrong : {0x7c00, 0xfc00, 0x7c01, 0xffff}) {
        halves[place] = wrong;
        EXPECT_FALSE(all_finite(halves, 0x7c00));
      }
      halves[place] = 0;
      for (const std::uint16_t wrong : {0x7f80, 0xff80, 0x7fc0, 0xffff}) {
        brains[place] = wrong;
        EXPECT_FALSE(all_finite(brains, 0x7f80));
      }
      brains[place] = 0;
    }
  }
}

} // namespace
} // namespace latticelens
