#include "tensor/gram.h"

#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

Tensor gram_of(const Tensor& x, int times) {
  Tensor gram = at::zeros({x.size(1), x.size(1)}, at::kDouble);
  for (int i = 0; i < times; ++i)
    add_gram(x, gram);
  return gram.tril();
}

TEST(Gram, equals_the_reference_for_odd_shapes) {
  for (const std::int64_t rows : {0, 1, 127, 300})
    for (const std::int64_t width : {1, 95, 96, 97, 200, 289}) {
      at::manual_seed(rows + width);
      const Tensor x = at::randn({rows, width});
      Tensor exact = at::zeros({width, width}, at::kDouble);
      for (int i = 0; i < 2; ++i)
        reference::add_gram(x.to(at::kDouble), exact);
      // Two windows of `rows` fp32 sums, each rounded by at most 2^-24 of itself; none reaches
      // this.
      const double largest = 20 + 3.0 * rows;
      const double tolerance = 2 * rows * largest * std::ldexp(1.0, -24);
      EXPECT_TRUE(at::allclose(gram_of(x, 2), exact.tril(), 0, tolerance)) << rows << "x" << width;
    }
}

TEST(Gram, sums_windows_in_fp64) {
  const Tensor x = at::full({1, 1}, 4097.0); // its square needs 25 bits, as a sum 40
  const Tensor once = gram_of(x, 1), often = gram_of(x, 1000);
  EXPECT_EQ(often.item<double>(), 1000 * once.item<double>());
}

TEST(Gram, has_the_same_bytes_at_one_and_two_threads) {
  const Tensor x = at::randn({300, 250});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = gram_of(x, 2);
  at::set_num_threads(2);
  const Tensor two = gram_of(x, 2);
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one, two));
}

} // namespace
} // namespace latticelens
