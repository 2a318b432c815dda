#include "core/error.h"
#include "tests/support.h"
#include "transforms/hadamard_matrix.h"
#include "transforms/transform.h"
#include <ATen/ATen.h>
#include <fstream>
#include <set>

namespace latticelens {
namespace {

TEST(HadamardMatrix, every_constructed_order_up_to_256_has_orthogonal_rows_of_plus_and_minus_one) {
  std::set<std::int64_t> missing;
  for (std::int64_t n = 1; n <= 256; n = n < 4 ? n * 2 : n + 4) {
    if (hadamard_factors(n).empty()) {
      missing.insert(n);
      continue;
    }
    const Tensor h = hadamard_matrix(n);
    ASSERT_TRUE(at::equal(h.abs(), at::ones_like(h))) << n;
    ASSERT_TRUE(at::equal(at::matmul(h, h.t()), n * at::eye(n, at::kDouble))) << n;
  }
  // What Paley's constructions over prime fields and doubling do not reach.
  EXPECT_EQ(missing, (std::set<std::int64_t>{52, 92, 100, 116, 156, 172, 184, 188, 232, 236, 244}));
}

TEST(HadamardMatrix, sylvester_matrices_equal_the_published_ones) {
  REQUIRE_DATA("reference/hadamard/hadamards.safetensors");
  const Tensor h = hadamard_matrix(4);
  EXPECT_TRUE(at::equal(h[3], at::tensor({1.0, -1.0, -1.0, 1.0}, at::kDouble)));
}

TEST(Transform, every_transform_is_orthogonal_and_invert_undoes_apply) {
  const Tensor identity = at::eye(96, at::kDouble);
  for (const TransformRow& row : transforms())
    for (const std::int64_t size :
         row.make ? std::vector<std::int64_t>{0, 2, 12, 32, 48, 96} : std::vector<std::int64_t>{})
      for (const bool signs : {true, false}) {
        const TransformSpec spec{row.name, size, Site::residual};
        const auto transform =
            make_transform(spec, {.width = 96, .seed = 5, .random_signs = signs});
        const Tensor t = transform->apply(identity);
        EXPECT_TRUE(at::allclose(at::matmul(t, t.t()), identity, 0, 1e-12)) << to_text(spec);
        EXPECT_TRUE(at::allclose(transform->invert(t), identity, 0, 1e-12)) << to_text(spec);
        const Tensor x = at::arange(192, at::kFloat).view({2, 96}).sin();
        EXPECT_TRUE(at::allclose(transform->apply(x), at::matmul(x, t.to(at::kFloat)), 0, 3e-6))
            << to_text(spec);
        EXPECT_TRUE(
            at::allclose(transform->invert(x), at::matmul(x, t.t().to(at::kFloat)), 0, 3e-6))
            << to_text(spec);
      }
}

TEST(Transform, signs_come_from_the_seed_alone) {
  const TransformSpec spec = parse_transform("hadamard:32@residual");
  const Tensor a = transform_signs(spec, {.width = 64, .seed = 1}),
               b = transform_signs(spec, {.width = 64, .seed = 1});
  EXPECT_TRUE(at::equal(a, b));
  EXPECT_FALSE(at::equal(a, transform_signs(spec, {.width = 64, .seed = 2})));
  EXPECT_TRUE(at::equal(a.slice(0, 0, 32), a.slice(0, 32, 64)));
  EXPECT_TRUE(at::equal(a.abs(), at::ones({64}, at::kDouble)));
}

TEST(Transform, specs_print_as_they_are_parsed) {
  for (const char* text :
       {"hadamard@residual", "hadamard:32@value_output", "hadamard:128@down_input"})
    EXPECT_EQ(to_text(parse_transform(text)), text);
  EXPECT_ERROR(parse_transform("hadamard:32"), "names no site");
  EXPECT_ERROR(parse_transform("hadamard:x@residual"), "is no size");
  EXPECT_ERROR(parse_transform("hadamard:-4@residual"), "is no size");
  EXPECT_ERROR(parse_transform("fourier@residual"), "known: hadamard");
  EXPECT_ERROR(parse_transform("hadamard@nowhere"),
               "known: residual, value_output, query_key, down_input");
  const TransformSpec wide = parse_transform("hadamard:32@residual");
  EXPECT_ERROR(make_transform(wide, {.width = 48}), "do not divide the width 48");
  EXPECT_ERROR(make_transform(parse_transform("hadamard@residual"), {.width = 172}),
               "no Hadamard matrix of order 172");
}

} // namespace
} // namespace latticelens
