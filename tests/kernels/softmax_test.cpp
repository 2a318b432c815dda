#include "kernels/softmax.h"

#include "kernels/product.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

namespace latticelens {
namespace {

TEST(Softmax, vectors_equal_the_reference) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 20);
  for (const std::int64_t rows : {1, 2, 97, 300}) {
    std::vector<float> fast(rows * strip_width), fast_sums(strip_width), slow_sums(strip_width);
    for (float& value : fast)
      value = normal(random);
    for (std::int64_t j = 0; j + 1 < rows && j < strip_width; ++j) // masked, as above a diagonal
      fast[(rows - 1) * strip_width + j] = -std::numeric_limits<float>::infinity();
    auto slow = fast;
    exponentials_of_columns(rows, fast.data(), fast_sums.data());
    reference::exponentials_of_columns(rows, slow.data(), slow_sums.data());
    // The two exponential functions differ by a few units in the last place.
    for (std::size_t i = 0; i < fast.size(); ++i)
      ASSERT_NEAR(fast[i], slow[i], 1e-6f * slow[i] + 1e-37f);
    for (std::int64_t j = 0; j < strip_width; ++j)
      ASSERT_NEAR(fast_sums[j], slow_sums[j], 2e-6f * slow_sums[j]);
  }
}

TEST(Softmax, log_sums_equal_the_reference_at_every_width) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal(0, 10);
  for (const std::int64_t width : {1, 2, 15, 16, 63, 64, 65, 130, 1000, 49152}) {
    constexpr std::int64_t rows = 3;
    std::vector<float> x(rows * width);
    for (float& value : x)
      value = normal(random);
    std::vector<double> fast(rows), slow(rows);
    log_sums_of_exponentials(rows, width, x.data(), fast.data());
    reference::log_sums_of_exponentials(rows, width, x.data(), slow.data());
    for (std::int64_t i = 0; i < rows; ++i)
      ASSERT_NEAR(fast[i], slow[i], 2e-6) << width;
  }
}

TEST(Softmax, log_sums_keep_what_is_not_a_number) {
  for (const std::int64_t place : {0, 7, 69}) {
    std::vector<float> x(70, 1.0f);
    x[place] = std::numeric_limits<float>::quiet_NaN();
    double sum = 0;
    log_sums_of_exponentials(1, 70, x.data(), &sum);
    EXPECT_TRUE(std::isnan(sum)) << place;
  }
}

} // namespace
} // namespace latticelens
