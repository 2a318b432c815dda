#include "learn/quantized_weights.h"

#include "tensor/gradient.h"
#include "tensor/linear.h"
#include <ATen/ATen.h>

namespace latticelens {

Tensor rounded_to_nearest(const Tensor& weight, const Format& format) {
  const Format settled = format.on(weight);
  SnapCounts counts;
  return settled.snap(weight, settled.fit(weight), counts);
}

namespace {

/// y of x with the part of the factors' gradients that the rounding error `excess` [out, in] makes.
Tensor corrected(const Tensor& y, const Tensor& x, const Tensor& excess,
                 const FactorsOfLinear& factors) {
  std::vector<Tensor> inputs = {y};
  if (factors.read.defined())
    inputs.push_back(factors.read);
  for (const auto& [rows, factor] : factors.written)
    inputs.push_back(factor);
  const auto backward = [x = x.detach(), excess, factors](const Tensor& g) {
    const Tensor outer = transposed_product(g.flatten(0, -2), x.flatten(0, -2));
    std::vector<Tensor> gradients = {g};
    if (factors.read.defined())
      gradients.push_back(-block_products(excess, outer, factors.read));
    for (const auto& [rows, factor] : factors.written) {
      const auto part = [&, &range = rows](const Tensor& matrix) {
        return matrix.narrow(0, range.first, range.count).t();
      };
      gradients.push_back(-block_products(part(excess), part(outer), factor));
    }
    return gradients;
  };
  return with_gradient(y.detach().clone(), inputs, backward);
}

} // namespace

void install_quantized_weights(Block& block, const Model& model, const Format& format,
                               const BasisFactors& factors) {
  for (auto& [name, linear] : block.linears) {
    if (!in_a_stage(*model.layout, name))
      continue;
    const Tensor weight = linear.weight;
    linear.weight = rounded_to_nearest(weight, format);
    const FactorsOfLinear own = factors_of(name, *model.layout, factors);
    if (!own.read.defined() && own.written.empty())
      continue;
    linear.product = [plain = linear, excess = linear.weight - weight, own](const Tensor& x) {
      return corrected(plain(x), x, excess, own);
    };
  }
}

} // namespace latticelens
