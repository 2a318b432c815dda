#include "sae/terms.h"

#include "sae/row_differences.h"
#include <ATen/ATen.h>

namespace latticelens {

ReconstructionError reconstruction_error(const Tensor& reconstruction, const Tensor& wanted) {
  const auto batch = static_cast<double>(wanted.size(0));
  const RowDifferences difference =
      row_differences(reconstruction, wanted, static_cast<float>(2 / batch));
  return {difference.square / batch, difference.scaled};
}

Codes first_of(const Codes& codes, std::int64_t count) {
  if (count == codes.indices.size(1))
    return codes;
  return {codes.indices.slice(1, 0, count).contiguous(),
          codes.values.slice(1, 0, count).contiguous()};
}

void add_uses(const Codes& codes, std::uint32_t target, std::vector<PlacedUse>& uses) {
  const std::int64_t count = codes.indices.size(1);
  const std::int64_t* const latents = codes.indices.const_data_ptr<std::int64_t>();
  const float* const values = codes.values.const_data_ptr<float>();
  for (std::int64_t i = 0; i < codes.indices.numel(); ++i)
    if (values[i] > 0)
      uses.push_back({static_cast<std::int32_t>(latents[i]),
                      {static_cast<std::uint32_t>(i / count), target, values[i]}});
}

std::uint32_t add_reconstruction(const SparseBatch& batch, const Codes& codes,
                                 const CoderWeights& weights, double weight, SparseGradients& to) {
  const Tensor reconstruction = decode(codes, weights);
  const ReconstructionError error = reconstruction_error(reconstruction, batch.inputs);
  const Tensor gradient = weight == 1 ? error.gradient : error.gradient * weight;
  const auto target = static_cast<std::uint32_t>(to.gradients.size());
  add_uses(codes, target, to.uses);
  to.gradients.push_back(gradient);
  to.bias += gradient.sum(0, false, at::kDouble);
  to.loss += weight * error.loss;
  if (!to.reconstruction.defined()) {
    to.reconstruction = reconstruction;
    to.codes = codes;
    to.error = error.loss;
  }
  return target;
}

namespace reference {

Tensor keep_largest(const Tensor& pre, std::int64_t count) {
  const Tensor places =
      std::get<1>(pre.detach().sort(/*stable=*/true, -1, /*descending=*/true)).slice(1, 0, count);
  return pre * at::zeros_like(pre).scatter(1, places, 1.0);
}

Tensor keep_largest_of_all(const Tensor& pre, std::int64_t count) {
  return keep_largest(pre.reshape({1, -1}), count).view(pre.sizes());
}

Tensor reconstruction_error(const Tensor& reconstruction, const Tensor& wanted) {
  return (reconstruction - wanted).square().sum() / wanted.size(0);
}

} // namespace reference
} // namespace latticelens
