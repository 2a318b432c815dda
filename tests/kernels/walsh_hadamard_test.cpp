#include "kernels/walsh_hadamard.h"

#include "tests/support.h"
#include <cmath>
#include <random>
#include <vector>

namespace latticelens {
namespace {

TEST(WalshHadamard, equals_its_definition_and_is_its_own_inverse) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const std::int64_t block : {1, 2, 4, 8, 32, 64, 512}) {
    std::vector<float> values(block * 3);
    for (float& value : values)
      value = normal(random);
    auto fast = values, slow = values;
    walsh_hadamard(fast, block);
    reference::walsh_hadamard(slow, block);
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_NEAR(fast[i], slow[i], 2e-6) << block;
    walsh_hadamard(fast, block);
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_NEAR(fast[i], values[i], 2e-6) << block;
  }
}

} // namespace
} // namespace latticelens
