// Factors against LibTorch's differentiation of a folded weight.
#include "learn/basis_factor.h"

#include "learn/quantized_weights.h"
#include "tensor/gradient.h"
#include "tensor/linear.h"
#include "tests/support.h"
#include "tests/tiny_model.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {
namespace {

Tensor naive_products(const Tensor& a, const Tensor& b, const Tensor& shape) {
  const auto blocks = [&](const Tensor& x) {
    return x.to(at::kDouble).reshape({-1, shape.size(0), shape.size(1)}).permute({1, 2, 0});
  };
  return at::bmm(blocks(a), blocks(b).transpose(1, 2));
}

TEST(BlockProducts, are_the_naive_ones_at_any_thread_count) {
  at::manual_seed(1);
  const int before = at::get_num_threads();
  for (const auto& [count, size, heads] :
       {std::array<std::int64_t, 3>{6, 32, 1}, {3, 40, 2}, {1, 200, 1}, {12, 16, 3}, {2, 96, 1}}) {
    const Tensor a = at::randn({3, 50, heads * count * size}), b = at::randn(a.sizes());
    const Tensor shape = at::empty({count, size, size});
    at::set_num_threads(2);
    const Tensor products = block_products(a, b, shape);
    at::set_num_threads(1);
    EXPECT_TRUE(at::equal(products, block_products(a, b, shape)));
    EXPECT_TRUE(at::allclose(products.to(at::kDouble), naive_products(a, b, shape), 1e-4, 1e-3));
  }
  at::set_num_threads(before);
}

Tensor factor(std::int64_t count, std::int64_t size) {
  return at::eye(size).expand({count, size, size}).contiguous().requires_grad_();
}

/// W with its columns times the blocks of Δ, as LibTorch differentiates it.
Tensor columns_times(const Tensor& weight, const Tensor& blocks) {
  const std::int64_t count = blocks.size(0), size = blocks.size(1);
  return at::matmul(weight.reshape({-1, count, 1, size}), blocks).reshape(weight.sizes());
}

TEST(BasisFactors, of_rounded_weights_are_those_of_the_folded_straight_through_weight) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder.path());
  const Model model = open_plain_model(folder.path());
  const Format format = parse_format("mxfp4");
  at::manual_seed(2);
  const BasisFactors factors{factor(2, 32), factor(1, 32)};
  for (const char* name : {"self_attn.q_proj", "self_attn.v_proj", "self_attn.o_proj"}) {
    Block block = load_block(model, 0);
    const Tensor weight = block.linears.at(name).weight;
    install_quantized_weights(block, model, format, factors);
    const Tensor rounded = block.linears.at(name).weight;
    install_basis_factors(block, model, factors);
    const FactorsOfLinear own = factors_of(name, *model.layout, factors);

    const Tensor x = at::randn({2, 40, weight.size(1)}), g = at::randn({2, 40, weight.size(0)});
    const Tensor y = block.linears.at(name)(read_through(x, own.read)); // the stage's place
    const std::vector<Tensor> inputs = {factors.residual, factors.value_output};
    const auto actual = torch::autograd::grad({y}, inputs, {g}, {}, false, /*allow_unused=*/true);

    Tensor folded = columns_times(weight, own.read);
    for (const auto& [rows, written] : own.written)
      folded = columns_times(folded.t(), written).t();
    const Tensor through = straight_through(rounded, folded);
    EXPECT_TRUE(at::equal(y, linear_of(x, rounded, {})));
    const auto expected = torch::autograd::grad({at::matmul(x, through.t())}, inputs, {g}, {},
                                                false, /*allow_unused=*/true);
    for (int i = 0; i < 2; ++i)
      EXPECT_TRUE(actual[i].defined() == expected[i].defined() &&
                  (!actual[i].defined() || at::allclose(actual[i], expected[i], 1e-3, 5e-3)))
          << name << " " << i;
  }
}

} // namespace
} // namespace latticelens
