#include "core/error.h"
#include "tests/support.h"
#include "transforms/block_matrix.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

Tensor relative_error(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max() / b.abs().max();
}

TEST(BlockMatrix, strips_equal_the_obvious_product_and_a_row_does_not_depend_on_its_neighbours) {
  at::manual_seed(1);
  for (const std::int64_t size : {8, 32, 48})
    for (const std::int64_t blocks : {1, 3}) {
      const BlockMatrix transform(at::randn({blocks, size, size}, at::kFloat), "t");
      for (const std::int64_t rows : {1, 5, 96, 200}) {
        const Tensor x = at::randn({2, rows, blocks * size}, at::kFloat), y = transform.apply(x);
        EXPECT_LT(
            relative_error(y.to(at::kDouble), reference::multiply_blocks(x, transform.matrices()))
                .item<double>(),
            1e-6);
        EXPECT_TRUE(at::equal(transform.apply(x[1][rows - 1]), y[1][rows - 1]));
      }
    }
}

TEST(BlockMatrix, weights_meet_their_inputs_in_the_new_basis) {
  at::manual_seed(2);
  const BlockMatrix transform(at::randn({4, 16, 16}, at::kFloat), "t");
  const Tensor x = at::randn({10, 64}, at::kDouble), w = at::randn({7, 64}, at::kDouble);
  const Tensor product = at::matmul(transform.apply(x), transform.apply_to_weight(w).t());
  EXPECT_TRUE(at::allclose(product, at::matmul(x, w.t()), 1e-8, 1e-8));
  EXPECT_TRUE(at::allclose(transform.restore_weight(transform.apply_to_weight(w)), w, 1e-9, 1e-9));
  EXPECT_TRUE(at::allclose(transform.invert(transform.apply(x)), x, 1e-9, 1e-9));
  EXPECT_ERROR(transform.apply(at::randn({3, 32})), "64 channels meet 32");
  EXPECT_ERROR(BlockMatrix(at::zeros({2, 4, 4}), "layer"), "layer: a matrix is singular");
  EXPECT_ERROR(BlockMatrix(at::full({2, 4, 4}, NAN), "layer"), "not finite");
  EXPECT_ERROR(BlockMatrix(at::zeros({2, 4}), "layer"), "[blocks, size, size]");
}

Tensor moments_of(const Tensor& x, std::int64_t size) {
  const Tensor blocks = x.reshape({x.size(0), -1, size}).transpose(0, 1);
  return at::bmm(blocks.transpose(1, 2), blocks);
}

TEST(InputTransforms, the_aware_one_gives_inputs_and_weights_the_same_moments_in_equal_shares) {
  at::manual_seed(3);
  const Tensor scale = at::exp(0.3 * at::randn({64}, at::kDouble));
  const Tensor x = at::randn({4000, 64}, at::kDouble) * scale,
               w = at::matmul(at::randn({500, 64}, at::kDouble), at::randn({64, 64}, at::kDouble));
  const TransformSpec spec = parse_transform("aware:32@inputs");
  const BlockMatrix transform(fit_input_transform(spec, {moments_of(x, 32), moments_of(w, 32)}),
                              "t");
  const Tensor of_inputs = moments_of(transform.apply(x), 32),
               of_weights = moments_of(transform.apply_to_weight(w), 32);
  EXPECT_LT(relative_error(of_inputs, of_weights).item<double>(), 0.05); // but for the ridge
  const Tensor shares = of_inputs.diagonal(0, 1, 2);
  EXPECT_LT((shares.amax(1) / shares.amin(1)).max().item<double>(), 1.1);
}

TEST(InputTransforms, few_or_no_tokens_still_give_an_invertible_matrix) {
  at::manual_seed(4);
  const TransformSpec spec = parse_transform("aware:32@inputs");
  const Tensor w = at::randn({5, 64}, at::kDouble);
  for (const Tensor& x : {at::zeros({1, 64}, at::kDouble), at::randn({3, 64}, at::kDouble)}) {
    const BlockMatrix transform(fit_input_transform(spec, {moments_of(x, 32), moments_of(w, 32)}),
                                "t");
    EXPECT_TRUE(
        at::allclose(transform.restore_weight(transform.apply_to_weight(w)), w, 1e-6, 1e-6));
  }
  EXPECT_ERROR(check_transform({"aware", 32, Site::residual}, 64), "cannot act at this site");
  EXPECT_ERROR(check_transform({"separated", 32, Site::inputs}, 64), "cannot act at this site");
  EXPECT_ERROR(check_transform({"separated", 0, Site::residual}, 64),
               "say for which blocks; write for example separated:32@residual");
  EXPECT_ERROR(check_transform({"separated", 24, Site::residual}, 64), "do not divide");
}

} // namespace
} // namespace latticelens
