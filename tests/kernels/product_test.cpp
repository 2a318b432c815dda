#include "kernels/product.h"

#include "tests/support.h"
#include <random>
#include <vector>

namespace latticelens {
namespace {

template<class T>
std::vector<T> random_values(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<T> normal;
  std::vector<T> values(count);
  for (T& value : values)
    value = normal(random);
  return values;
}

/// Both directions of storing `a`, a c wider than a strip, and subtraction undoing addition's sign.
template<class T>
void compare(std::int64_t rows, std::int64_t depth) {
  const std::int64_t c_stride = strip_width + 5;
  const auto a = random_values<T>(rows * depth, 1), b = random_values<T>(depth * strip_width, 2),
             start = random_values<T>(rows * c_stride, 3);
  for (const StridedMatrix<T>& matrix :
       {StridedMatrix<T>{a.data(), depth, 1}, StridedMatrix<T>{a.data(), 1, rows}}) {
    auto fast = start, slow = start;
    add_product<T>(rows, depth, matrix, b.data(), fast.data(), c_stride);
    reference::add_product<T>(rows, depth, matrix, b.data(), slow.data(), c_stride);
    EXPECT_EQ(fast, slow) << rows << "x" << depth;
    auto from = start;
    for (std::int64_t i = 0; i < rows; ++i) // both start from the same row
      std::copy_n(start.data(), strip_width, &from[i * c_stride]);
    auto added = from;
    product_from<T>(start.data(), rows, depth, matrix, b.data(), from.data(), c_stride);
    add_product<T>(rows, depth, matrix, b.data(), added.data(), c_stride);
    EXPECT_EQ(from, added) << rows << "x" << depth;
    auto negative_b = b;
    for (T& value : negative_b)
      value = -value;
    auto subtracted = start;
    subtract_product<T>(rows, depth, matrix, negative_b.data(), subtracted.data(), c_stride);
    EXPECT_EQ(subtracted, slow) << rows << "x" << depth;
  }
}

TEST(Product, vectors_equal_the_reference_bit_for_bit_for_odd_shapes) {
  for (const std::int64_t rows : {0, 1, 7, 8, 9, 33})
    for (const std::int64_t depth : {0, 1, 127, 128, 129, 300}) {
      compare<float>(rows, depth);
      compare<double>(rows, depth);
    }
}

} // namespace
} // namespace latticelens
