// The quantized KV cache against loops over heads and tokens.
#include "core/error.h"
#include "model/attention.h"
#include "quantize/activations.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cmath>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {
namespace {

constexpr std::int64_t sequences = 2, tokens = 37, heads = 6, shared_heads = 2, dimension = 32;

struct Problem {
  Config config;
  Rope rope;
  Tensor q, k, v;
};

Problem random_problem() {
  at::manual_seed(2);
  Config config;
  config.heads = heads;
  config.key_value_heads = shared_heads;
  config.head_dimension = dimension;
  const auto random = [](std::int64_t count) {
    return at::randn({sequences, tokens, count * dimension}) *
           at::randn({sequences, tokens, 1}).exp();
  };
  return {config, make_rope(config, tokens), random(heads), random(shared_heads),
          random(shared_heads)};
}

std::shared_ptr<const Transform> rotation(const Config& config, const std::string& kind) {
  return make_query_key_rotation(
      parse_method("weight=mxfp4 kv=mxfp4 rotate=" + kind + "@query_key").transforms, config);
}

Block with_functions(const ActivationSpec& spec) {
  Block block;
  install_activations(block, {}, spec);
  return block;
}

/// The vector of one head and token, as the cache gives it back.
Tensor cached(const Tensor& vector, const std::string& format) {
  SnapCounts counts;
  return parse_format(format).quantize(vector.unsqueeze(0), counts).squeeze(0);
}

/// Attention head by head and query by query, in fp64 after the cache.
Tensor attended(const Problem& p, const std::string& format, const Transform* transform) {
  const Tensor queries = rotate_heads(p.q, heads, p.rope),
               keys = rotate_heads(p.k, shared_heads, p.rope);
  const Tensor values = p.v.unflatten(2, {shared_heads, dimension}).transpose(1, 2);
  const auto turned = [&](const Tensor& x) { return transform ? transform->apply(x) : x; };
  Tensor result = at::empty({sequences, tokens, heads * dimension});
  for (std::int64_t n = 0; n < sequences; ++n)
    for (std::int64_t head = 0; head < heads; ++head) {
      const std::int64_t of = head / (heads / shared_heads);
      std::vector<Tensor> stored_keys, stored_values;
      for (std::int64_t t = 0; t < tokens; ++t) {
        stored_keys.push_back(cached(turned(keys[n][of][t]), format).to(at::kDouble));
        stored_values.push_back(cached(values[n][of][t], format).to(at::kDouble));
        const Tensor query = turned(queries[n][head][t]).to(at::kDouble);
        const Tensor shares =
            (at::mv(at::stack(stored_keys), query) / std::sqrt(double(dimension))).softmax(0);
        result[n][t]
            .narrow(0, head * dimension, dimension)
            .copy_(at::mv(at::stack(stored_values).t(), shares));
      }
    }
  return result;
}

TEST(QuantizedCache, is_that_of_each_head_and_token_alone) {
  const Problem p = random_problem();
  for (const std::string format :
       {"mxfp4", "mxfp4:16/7.25", "mxint8", "nvfp4", "bint4", "int4", "int8", "mxfp4:row"})
    for (const char* kind : {"", "hadamard", "hadamard:8"}) {
      const auto transform = *kind ? rotation(p.config, kind) : nullptr;
      const ActivationSpec spec{.query_key = transform, .kv = parse_format(format)};
      const Tensor actual = attend(with_functions(spec), p.q, p.k, p.v, p.rope, p.config);
      EXPECT_TRUE(at::allclose(actual, attended(p, format, transform.get()), 1e-4, 1e-4))
          << format << " " << kind;
      EXPECT_EQ(spec.counts->values, 2 * sequences * tokens * shared_heads * dimension);
      EXPECT_FALSE(at::allclose(actual, attend(p.q, p.k, p.v, p.rope, p.config), 1e-3, 1e-3));
    }
}

TEST(QuantizedCache, counts_what_is_clipped_and_leaves_queries_alone) {
  const ActivationSpec spec{.kv = parse_format("mxfp4")};
  const Block block = with_functions(spec);
  EXPECT_FALSE(block.heads.queries);
  const Tensor x = at::full({1, 2, 3, dimension}, 7.5f); // 7.5 becomes 6 under the scale 1
  EXPECT_TRUE(at::equal(block.heads.keys(x), at::full_like(x, 6)));
  EXPECT_EQ(spec.counts->snap.clipped, x.numel());
  block.heads.values(at::full_like(x, NAN));
  EXPECT_GT(spec.counts->snap.not_finite, 0);
}

TEST(QuantizedCache, without_a_format_the_rotation_leaves_the_result) {
  const Problem p = random_problem();
  const Tensor expected = attend(p.q, p.k, p.v, p.rope, p.config);
  for (const char* kind : {"hadamard", "hadamard:8"}) {
    const Block block = with_functions({.query_key = rotation(p.config, kind)});
    EXPECT_FALSE(block.heads.values);
    EXPECT_TRUE(at::allclose(attend(block, p.q, p.k, p.v, p.rope, p.config), expected, 1e-4, 1e-4));
  }
}

TEST(QuantizedCache, is_the_same_over_shared_rows) {
  Problem p = random_problem();
  const Block block = with_functions(
      {.query_key = rotation(p.config, "hadamard"), .kv = parse_format("mxfp4/7.25")});
  const auto beginning = [](const Tensor& x, std::int64_t n, std::int64_t count) {
    return x.narrow(0, n, 1).narrow(1, 0, count);
  };
  // Rows 0 .. 19 begin both sequences; 20 .. 36 end the first, 37 .. 46 the second.
  const auto rows = [&](const Tensor& x) {
    return at::cat({beginning(x, 0, tokens), beginning(x, 1, 10)}, 1);
  };
  const Tensor first = at::arange(37), second = at::cat({at::arange(20), at::arange(37, 47)});
  Rope rope = p.rope;
  rope.sequences = {first, second};
  const Tensor together = attend(block, rows(p.q), rows(p.k), rows(p.v), rope, p.config);
  for (const Tensor& sequence : rope.sequences) {
    const auto part = [&](const Tensor& x) { return rows(x).index_select(1, sequence); };
    EXPECT_TRUE(at::equal(together.index_select(1, sequence),
                          attend(block, part(p.q), part(p.k), part(p.v), p.rope, p.config)));
  }
}

TEST(QuantizedCache, has_the_gradient_of_the_rotation_alone) {
  const Problem p = random_problem();
  const auto transform = rotation(p.config, "hadamard:8");
  const Block block = with_functions({.query_key = transform, .kv = parse_format("mxfp4")});
  const Tensor x = at::randn({1, 2, 3, dimension}).requires_grad_(),
               gradient = at::randn({1, 2, 3, dimension});
  const auto slope = [&](const HeadFunction& function) {
    return torch::autograd::grad({function(x)}, {x}, {gradient})[0];
  };
  EXPECT_TRUE(at::equal(slope(block.heads.queries), transform->invert(gradient)));
  EXPECT_TRUE(at::equal(slope(block.heads.keys), transform->invert(gradient)));
  EXPECT_TRUE(at::equal(slope(block.heads.values), gradient));
  EXPECT_TRUE(at::equal(block.heads.keys(x).detach(), block.heads.keys(x.detach())));
}

TEST(QuantizedCache, has_the_same_bytes_at_one_and_two_threads) {
  const Problem p = random_problem();
  const Block block =
      with_functions({.query_key = rotation(p.config, "hadamard"), .kv = parse_format("mxfp4")});
  const auto run = [&](int threads) {
    at::set_num_threads(threads);
    return attend(block, p.q, p.k, p.v, p.rope, p.config);
  };
  const int before = at::get_num_threads();
  const Tensor one = run(1), two = run(2);
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one, two));
}

} // namespace
} // namespace latticelens
