// Birnick's theorem A and Chen et al.'s theorems 1, 4 and 5.
#include "lattice/paper_forms.h"

#include "core/error.h"
#include "lattice/factor.h"
#include "tests/lattice/problems.h"
#include "tests/support.h"

namespace latticelens {
namespace {
using namespace testing;

const ElementGrid integers{.mantissa_bits = 20, .minimum_exponent = 20, .maximum = 1e6};

TEST(PaperForms, all_give_the_codes_of_the_fast_form_in_every_order_with_and_without_clipping) {
  for (const OrderRow& order : orders())
    for (const std::int64_t n : {1, 5, 33, 70})
      for (const ElementGrid& grid : {ElementGrid{}, small_integers, integers}) {
        const Tensor l = factor_moments(sample_moments(n, n), {.order = order.name}, "test").l;
        const Tensor weights = at::randn({n, 12}, at::kFloat);
        const ChooseSteps choose =
            constant_steps(0.125f); // the small grids clip, the integers do not
        const BabaiResult fast = babai(weights, l, grid, {}, choose);
        for (const PaperFormRow& form : paper_forms()) {
          const BabaiResult paper =
              round_by_paper(form, generator_of(l), weights, grid, {}, choose);
          EXPECT_TRUE(at::equal(paper.values, fast.values)) << form.name << n << order.name;
          EXPECT_EQ(paper.clipped, fast.clipped) << form.name;
          EXPECT_TRUE(at::allclose(paper.errors, fast.errors, 1e-4));
        }
      }
}

TEST(PaperForms, inputs_with_appended_rows_are_regularised_moments) {
  at::manual_seed(2);
  const Tensor x = at::randn({50, 24}, at::kDouble);
  const double lambda = 0.7;
  const Tensor appended = at::cat({x, std::sqrt(lambda) * at::eye(24, at::kDouble)});
  const Generator inputs = generator_of_inputs(appended);
  const Tensor gram = at::matmul(x.t(), x);
  const Tensor l =
      factor_moments(gram, {.damping = lambda / gram.diagonal().mean().item<double>()}, "t").l;
  EXPECT_TRUE(at::allclose(inputs.l, l, 1e-9, 1e-9));
  EXPECT_TRUE(at::allclose(at::matmul(inputs.q, inputs.l), appended, 1e-9, 1e-9));
  const Tensor weights = at::randn({24, 20}, at::kFloat);
  for (const PaperFormRow& form : paper_forms())
    EXPECT_TRUE(
        at::equal(round_by_paper(form, inputs, weights, {}, {}, constant_steps(0.5f)).values,
                  babai(weights, l, {}, {}, constant_steps(0.5f)).values))
        << form.name;
  EXPECT_ERROR(generator_of_inputs(at::randn({3, 24}, at::kDouble)), "append sqrt(lambda) I");
}

TEST(PaperForms, heavy_regularisation_is_rounding_to_nearest) {
  const Tensor l = factor_moments(sample_moments(40, 4), {.damping = 1e9}, "t").l;
  const Tensor weights = at::randn({40, 30}, at::kFloat);
  Tensor nearest = weights.clone();
  for (std::int64_t i = 0; i < nearest.numel(); ++i) {
    float& value = nearest.mutable_data_ptr<float>()[i];
    value = static_cast<float>(snap(value / 0.25, {}) * 0.25);
  }
  for (const PaperFormRow& form : paper_forms())
    EXPECT_TRUE(at::equal(
        round_by_paper(form, generator_of(l), weights, {}, {}, constant_steps(0.25f)).values,
        nearest))
        << form.name;
}

TEST(PaperForms, gptq_back_to_front_is_babai_on_the_basis_from_the_front) {
  // Chen et al., Theorem 4: the published loop on reversed columns, with the inverse's upper
  // factor.
  const std::int64_t n = 48;
  const Tensor h = sample_moments(n, 8) + 0.1 * at::eye(n, at::kDouble);
  const Tensor weights = at::randn({n, 16}, at::kFloat);
  const Tensor reversed_h = h.flip({0, 1}).contiguous();
  const Tensor u = at::linalg_cholesky(at::linalg_inv(reversed_h)).t().contiguous();
  Tensor w = weights.flip(0).to(at::kDouble).clone(), values = at::empty_like(w);
  for (std::int64_t i = 0; i < n; ++i) {
    values[i] = at::clamp(at::round(w[i] / 0.5), -7, 7) * 0.5;
    const Tensor error = (w[i] - values[i]) / u[i][i];
    w.slice(0, i) -= at::outer(u[i].slice(0, i), error);
  }
  const LatticeFactor factor = factor_moments(h, {.damping = 0, .order = "reversed"}, "t");
  const BabaiResult found =
      babai(in_order(weights, factor.order), factor.l, small_integers, {}, constant_steps(0.5f));
  EXPECT_TRUE(at::equal(undo_order(found.values, factor.order).to(at::kDouble), values.flip(0)));
}

TEST(PaperForms, the_worst_case_bound_is_tight) {
  // Chen et al., Theorem 5: half a step everywhere in the frame of L reaches a quarter of the sum.
  const Tensor l = factor_moments(sample_moments(16, 3), {}, "t").l;
  const Tensor halves = 0.4999 * l.diagonal().unsqueeze(1);
  const Tensor w = at::linalg_solve_triangular(l, halves, /*upper=*/false).to(at::kFloat);
  const BabaiResult found = babai(w, l, integers, {}, constant_steps(1));
  const double bound = l.diagonal().square().sum().item<double>() / 4;
  EXPECT_LE(found.errors[0].item<double>(), bound * (1 + 1e-6));
  EXPECT_GT(found.errors[0].item<double>(), bound * 0.999);
}

} // namespace
} // namespace latticelens
