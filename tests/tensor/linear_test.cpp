#include "tensor/linear.h"

#include "core/error.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

/// Both forms against fp64. A chain of `in` sums of products of standard normals rounds each sum by
/// at most 2^-24 of it; partial sums stay below 6 sqrt(in): in * 6 sqrt(in) * 2^-24 is never
/// reached.
void compare(std::int64_t tokens, std::int64_t in, std::int64_t out, bool with_bias) {
  at::manual_seed(tokens + in + out);
  const Tensor x = at::randn({2, tokens, in}), weight = at::randn({out, in});
  const Tensor bias = with_bias ? at::randn({out}) : Tensor();
  const Tensor exact = reference::linear_of(x.to(at::kDouble), weight.to(at::kDouble),
                                            with_bias ? bias.to(at::kDouble) : bias)
                           .to(at::kFloat);
  const double tolerance = 6 * std::pow(in, 1.5) * std::ldexp(1.0, -24) + 1e-6;
  for (const Tensor& y : {linear_of(x, weight, bias), linear_of(x, StripMatrix(weight), bias)}) {
    ASSERT_EQ(y.sizes(), exact.sizes());
    EXPECT_TRUE(at::allclose(y, exact, 0, tolerance)) << tokens << " " << in << " " << out;
  }
}

TEST(Linear, equals_the_reference_for_odd_shapes) {
  for (const std::int64_t tokens : {1, 7, 16, 63, 130})
    for (const std::int64_t in : {1, 31, 128, 200})
      for (const std::int64_t out : {1, 95, 96, 97, 250})
        compare(tokens, in, out, (tokens + out) % 2 == 0);
}

TEST(Linear, takes_no_tokens_and_no_outputs) {
  EXPECT_EQ(linear_of(at::ones({0, 5}), at::ones({97, 5}), {}).sizes(), at::IntArrayRef({0, 97}));
  EXPECT_EQ(linear_of(at::ones({40, 5}), at::ones({0, 5}), {}).sizes(), at::IntArrayRef({40, 0}));
}

TEST(Linear, takes_strided_input) {
  const Tensor x = at::randn({50, 70}), weight = at::randn({33, 50});
  EXPECT_TRUE(at::equal(linear_of(x.t(), weight, {}), linear_of(x.t().contiguous(), weight, {})));
}

TEST(Linear, has_the_same_bytes_at_one_and_two_threads) {
  const Tensor x = at::randn({300, 333}), weight = at::randn({250, 333});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = linear_of(x, weight, {});
  at::set_num_threads(2);
  const Tensor two = linear_of(x, weight, {});
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one, two));
}

TEST(Linear, refuses_sizes_that_do_not_fit) {
  EXPECT_THROW(linear_of(at::ones({40, 4}), StripMatrix(at::ones({3, 5})), {}), Error);
  EXPECT_THROW(linear_of(at::ones({40, 5}), StripMatrix(at::ones({3, 5})), at::ones({4})), Error);
}

} // namespace
} // namespace latticelens
