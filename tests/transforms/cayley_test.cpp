#include "transforms/cayley.h"

#include "core/error.h"
#include "tests/support.h"
#include "transforms/orthogonal.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

Tensor random_orthogonal(std::int64_t count, std::int64_t n) {
  return std::get<0>(at::linalg_qr(at::randn({count, n, n}, at::kDouble)));
}

TEST(Cayley, of_skew_matrices_is_orthogonal_and_of_zero_the_identity) {
  at::manual_seed(1);
  const Tensor a = at::randn({5, 17, 17}, at::kDouble);
  EXPECT_LT(orthogonality_error(cayley(a - a.transpose(1, 2))), 1e-12);
  EXPECT_TRUE(at::equal(cayley(at::zeros({1, 3, 3}, at::kDouble))[0], at::eye(3, at::kDouble)));
}

TEST(Cayley, a_step_is_the_one_that_spinquant_iterates_towards) {
  at::manual_seed(2);
  const Tensor r = random_orthogonal(1, 12)[0];
  for (const double size : {0.01, 1.0, 30.0}) { // below and above the bound of the step
    const Tensor gradient = size * at::randn({12, 12}, at::kDouble);
    OrthogonalStack stack = orthogonal_stack(r.unsqueeze(0));
    descend(stack, at::matmul(r.t(), gradient).unsqueeze(0), {.rate = 1.5});
    EXPECT_TRUE(
        at::allclose(stack.matrices[0], reference::descended(r, gradient, 1.5), 1e-10, 1e-10));
  }
}

TEST(Cayley, a_batch_is_one_by_one) {
  at::manual_seed(3);
  OrthogonalStack all = orthogonal_stack(random_orthogonal(4, 32));
  std::vector<OrthogonalStack> single;
  for (int i = 0; i < 4; ++i)
    single.push_back(orthogonal_stack(all.matrices.narrow(0, i, 1)));
  for (int step = 0; step < 5; ++step) {
    const Tensor gradient = at::randn({4, 32, 32}, at::kDouble);
    descend(all, gradient, {.rate = 1.5, .momentum = 0.5});
    for (int i = 0; i < 4; ++i) {
      descend(single[i], gradient.narrow(0, i, 1), {.rate = 1.5, .momentum = 0.5});
      EXPECT_TRUE(at::allclose(all.matrices[i], single[i].matrices[0], 1e-13, 1e-13));
    }
  }
}

TEST(Cayley, solves_procrustes_problems_and_stays_orthogonal) {
  at::manual_seed(4);
  // |X R - X Q|² is least at R = Q; the start is in the same half of the orthogonal matrices.
  const Tensor q = random_orthogonal(3, 16), x = at::randn({3, 200, 16}, at::kDouble) / 14;
  OrthogonalStack stack = orthogonal_stack(at::bmm(q, cayley(0.3 * (q - q.transpose(1, 2)))));
  const auto loss = [&] { return (at::bmm(x, stack.matrices - q)).square().sum().item<double>(); };
  const double start = loss();
  for (int step = 0; step < 300; ++step) {
    const Tensor error = at::bmm(x, stack.matrices - q);
    const Tensor gradient = 2 * at::bmm(x.transpose(1, 2), error); // of R
    descend(stack, at::bmm(stack.matrices.transpose(1, 2), gradient),
            {.rate = 0.5, .momentum = 0.5});
  }
  EXPECT_GT(start, 0.1);
  EXPECT_LT(loss(), 1e-12 * start);
  EXPECT_LT(orthogonality_error(stack.matrices), 1e-12);
}

TEST(Cayley, what_has_drifted_is_made_orthogonal_again) {
  at::manual_seed(5);
  const Tensor r = random_orthogonal(2, 8);
  OrthogonalStack stack = orthogonal_stack(r + 1e-7 * at::randn({2, 8, 8}, at::kDouble));
  descend(stack, at::zeros({2, 8, 8}, at::kDouble), {});
  EXPECT_LT(orthogonality_error(stack.matrices), 1e-12);
  EXPECT_TRUE(at::allclose(stack.matrices, r, 0, 1e-6));
}

TEST(Cayley, refuses_what_is_not_orthogonal_or_not_finite) {
  EXPECT_ERROR(orthogonal_stack(at::ones({1, 4, 4}, at::kDouble)), "not orthogonal");
  OrthogonalStack stack = orthogonal_stack(at::eye(4, at::kDouble).unsqueeze(0));
  EXPECT_ERROR(descend(stack, at::full({1, 4, 4}, std::nan(""), at::kDouble), {}), "not finite");
}

} // namespace
} // namespace latticelens
