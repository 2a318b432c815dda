#include "model/attention.h"

#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

struct Inputs {
  Config config;
  Tensor q, k, v;
};

Inputs random_inputs(std::int64_t n, std::int64_t t, std::int64_t heads, std::int64_t groups,
                     std::int64_t dimension) {
  at::manual_seed(t + dimension);
  Config config;
  config.heads = heads;
  config.key_value_heads = groups;
  config.head_dimension = dimension;
  return {config, at::randn({n, t, heads * dimension}), at::randn({n, t, groups * dimension}),
          at::randn({n, t, groups * dimension})};
}

Tensor attend(const Inputs& x) {
  return attend(x.q, x.k, x.v, make_rope(x.config, x.q.size(1)), x.config);
}

TEST(Attention, equals_the_reference_for_odd_shapes) {
  for (const std::int64_t t : {1, 2, 95, 96, 97, 250})
    for (const std::int64_t dimension : {2, 8, 10, 64}) {
      const Inputs x = random_inputs(2, t, 6, 2, dimension);
      const Tensor expected = reference::attend(x.q, x.k, x.v, make_rope(x.config, t), x.config);
      // Scores of standard normals stay below 60: their fp32 errors are below 1e-5, relative in
      // the weights; values stay below 6.
      EXPECT_TRUE(at::allclose(attend(x), expected, 1e-5, 6e-5)) << t << " " << dimension;
    }
}

TEST(Attention, equals_the_reference_for_any_window_and_any_share_of_rotated_dimensions) {
  for (const std::int64_t window : {1, 2, 50, 96, 97, 150, 400})
    for (const std::int64_t rotary : {0, 2, 6}) {
      Inputs x = random_inputs(2, 250, 4, 2, 8);
      x.config.rotary_dimension = rotary;
      const Rope rope = make_rope(x.config, 250);
      EXPECT_TRUE(at::allclose(attend(x.q, x.k, x.v, rope, x.config, window),
                               reference::attend(x.q, x.k, x.v, rope, x.config, window), 1e-5,
                               6e-5))
          << window << " " << rotary;
    }
}

TEST(Attention, equals_the_reference_with_sinks_for_any_window) {
  for (const std::int64_t t : {1, 95, 96, 250})
    for (const std::int64_t window : {0, 3, 96}) {
      const Inputs x = random_inputs(2, t, 6, 2, 8);
      const Rope rope = make_rope(x.config, t);
      const Tensor sinks = at::randn({6}) * 3;
      const Tensor with = attend(x.q, x.k, x.v, rope, x.config, window, {}, sinks);
      EXPECT_TRUE(at::allclose(
          with, reference::attend(x.q, x.k, x.v, rope, x.config, window, sinks), 1e-5, 6e-5))
          << t << " " << window;
      EXPECT_FALSE(at::allclose(with, attend(x.q, x.k, x.v, rope, x.config, window), 1e-2, 1e-2));
    }
}

TEST(Attention, has_the_same_bytes_at_one_and_two_threads) {
  const Inputs x = random_inputs(1, 300, 3, 1, 16);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = attend(x);
  at::set_num_threads(2);
  const Tensor two = attend(x);
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one, two));
}

} // namespace
} // namespace latticelens
